"""From a registered version to champion: measured on the same rows as the present one, then judged by the gates."""

from __future__ import annotations

from collections.abc import Mapping

import xgboost

from churn.contract.declaration import Contract
from churn.errors import GateError, RegistryError
from churn.training.evaluation import Evaluation, evaluate, mean_abs_contributions, shares
from churn.training.export import Holdout, differences, read_holdout
from churn.training.gates import Gate, release_gates
from churn.training.pipeline import SEED, predict
from churn.training.registry import Registry, VersionInfo, registered_name


def judge(registry: Registry, contract: type[Contract], version: str) -> tuple[VersionInfo, list[Gate]]:
    """The version and every release gate's verdict on it.

    Args:
        registry: where it is registered.
        contract: the code's contract.
        version: the registry's number, the model's own version or an alias, such as `2`, `v2.4.0` or `previous`.

    Raises:
        RegistryError: there is no such version.
        GateError: its features are not the contract's, so it could never be served.
    """
    info = find_version(registry, contract, version)
    candidate = registry.fetch(info)
    if found := list(differences(contract, candidate.booster)):
        raise GateError(
            f"{version} does not fit the contract {contract.contract_name}: {'; '.join(found)}",
            instead="promote a version that can be served",
        )
    holdout = read_holdout(candidate)
    if holdout is None:
        reason = "it kept no holdout, so nothing can be measured; `churn train` keeps one"
        return info, [Gate("holdout", passed=False, reason=reason)]
    champion, unfit = _champion(registry, contract, info.name)
    gates = release_gates(
        contract,
        fingerprint=info.tags.get("contract_fingerprint"),
        candidate=_measured(candidate.booster, holdout),
        champion=_measured(champion, holdout) if champion else None,
        contribution_shares=_shares(contract, candidate.booster, holdout),
    )
    return info, [*unfit, *gates]


def find_version(registry: Registry, contract: type[Contract], version: str) -> VersionInfo:
    """The newest version that has this model version, this number or this alias.

    Raises:
        RegistryError: there is none; names those that there are.
    """
    name = registered_name(contract)
    known = registry.versions(name)
    for info in known:
        if version in {info.tags.get("model_version"), str(info.number), *info.aliases}:
            return info
    listed = ", ".join(info.tags.get("model_version", str(info.number)) for info in known)
    raise RegistryError(
        f"{name} has no version {version}",
        instead=f"choose one of {listed}" if listed else "train one with `churn train`",
    )


def _champion(registry: Registry, contract: type[Contract], name: str) -> tuple[xgboost.Booster | None, list[Gate]]:
    """The present champion's model if it can be compared with; if not, a gate that fails for that reason."""
    info = registry.champion(name)
    if info is None:
        return None, []
    booster = registry.fetch(info).booster
    if found := list(differences(contract, booster)):
        reason = f"the champion, number {info.number}, does not fit the contract: {'; '.join(found)}"
        return None, [Gate("comparison", passed=False, reason=reason)]
    return booster, []


def _measured(booster: xgboost.Booster, holdout: Holdout) -> Evaluation:
    return evaluate(holdout.labels, predict(booster, holdout.rows), SEED)


def _shares(contract: type[Contract], booster: xgboost.Booster, holdout: Holdout) -> Mapping[str, float]:
    booster.feature_names = contract.feature_names()
    return shares(mean_abs_contributions(booster, holdout.rows))
