"""From a registered version to champion: measured on the same rows as the present one, then judged by the gates."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost

from churn.contract import Contract, Rows
from churn.errors import GateError
from churn.training.evaluation import evaluate, mean_abs_contributions, shares
from churn.training.gates import Gate, Measured, release_gates
from churn.training.pipeline import HOLDOUT_FILE, SEED, predict
from churn.training.registry import FetchedModel, Registry, VersionInfo, registered_name


@dataclass(frozen=True, slots=True)
class Holdout:
    """Encoded rows float32 (n, features) and labels (n,) that a training run set aside."""

    rows: Rows
    labels: npt.NDArray[np.int8]


def judge(registry: Registry, contract: type[Contract], version: str) -> tuple[VersionInfo, list[Gate]]:
    """The version and every release gate's verdict on it.

    Args:
        registry: where it is registered.
        contract: the code's contract.
        version: the registry's number or the model's own version, such as `2` or `v2.4.0`.

    Raises:
        RegistryError: there is no such version.
        GateError: it kept no holdout, so that nothing can be measured.
    """
    info = find_version(registry, contract, version)
    candidate = registry.fetch(info)
    holdout = _holdout(candidate)
    champion = registry.champion(info.name)
    return info, release_gates(
        contract,
        fingerprint=info.tags.get("contract_fingerprint"),
        candidate=_measured(candidate.booster, holdout),
        champion=_measured(registry.fetch(champion).booster, holdout) if champion else None,
        contribution_shares=_shares(contract, candidate.booster, holdout),
    )


def find_version(registry: Registry, contract: type[Contract], version: str) -> VersionInfo:
    """The newest version that has this model version or this number.

    Raises:
        RegistryError: there is none.
    """
    name = registered_name(contract)
    for info in registry.versions(name):
        if version in {info.tags.get("model_version"), str(info.number)}:
            return info
    return registry.find(f"models:/{name}/{version}")


def _holdout(fetched: FetchedModel) -> Holdout:
    content = fetched.export_files.get(HOLDOUT_FILE)
    if content is None:
        raise GateError(
            f"{fetched.info.name} version {fetched.info.number} kept no holdout, so it cannot be measured",
            instead="train it with `churn train`, or move the alias with --force and a reason",
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Holdout(arrays["rows"], arrays["labels"])


def _measured(booster: xgboost.Booster, holdout: Holdout) -> Measured:
    found = evaluate(holdout.labels, predict(booster, holdout.rows), SEED)
    return Measured(found.auc, found.log_loss, found.expected_calibration_error)


def _shares(contract: type[Contract], booster: xgboost.Booster, holdout: Holdout) -> Mapping[str, float]:
    booster.feature_names = contract.feature_names()
    return shares(mean_abs_contributions(booster, holdout.rows))
