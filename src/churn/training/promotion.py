"""From a registered version to champion: measured on the same rows as the present one, then judged by the gates."""

import xgboost

from churn.contract.declaration import Contract
from churn.errors import GateError, RegistryError
from churn.training.agreement import list_misfits
from churn.training.evaluation import Evaluation, compute_shares, evaluate, rank_features
from churn.training.fit import SEED
from churn.training.gates import Gate, check_release_gates
from churn.training.kept import HoldoutRows, read_holdout
from churn.training.pipeline import predict
from churn.training.registry import Registry, VersionInfo, name_registered_model


def check_version(registry: Registry, contract: type[Contract], version: str) -> tuple[VersionInfo, list[Gate]]:
    """Check a version against every release gate, and return both.

    The version is the registry's number, the model's own version or an alias, such as `2`, `v2.4.0` or `previous`.

    Raises:
        RegistryError: there is no such version.
        GateError: its features are not the contract's, so it could never be served.
    """
    info = find_version(registry, contract, version)
    candidate = registry.fetch(info)
    if misfits := list(list_misfits(contract, candidate.model)):
        raise GateError(
            f"{version} does not fit the contract {contract.contract_name}: {'; '.join(misfits)}",
            instead="promote a version that can be served",
        )
    holdout = read_holdout(candidate)
    if holdout is None:
        reason = "it kept no holdout, so nothing can be measured; `churn train` keeps one"
        return info, [Gate("holdout", passed=False, reason=reason)]
    champion, unfit = _fetch_champion(registry, contract, info.name)
    candidate.booster.feature_names = contract.feature_names()
    gates = check_release_gates(
        contract,
        fingerprint=info.tags.get("contract_fingerprint"),
        candidate=_measure(candidate.booster, holdout),
        champion=_measure(champion, holdout) if champion else None,
        contribution_shares=compute_shares(rank_features(candidate.booster, holdout.rows)),
    )
    return info, [*unfit, *gates]


def find_version(registry: Registry, contract: type[Contract], version: str) -> VersionInfo:
    """Find the newest version that has this model version, this number or this alias.

    Raises:
        RegistryError: there is none; names those that there are.
    """
    name = name_registered_model(contract)
    versions = registry.list_versions(name)
    for info in versions:
        if version in {info.tags.get("model_version"), str(info.number), *info.aliases}:
            return info
    listed = ", ".join(info.tags.get("model_version", str(info.number)) for info in versions)
    raise RegistryError(
        f"{name} has no version {version}",
        instead=f"choose one of {listed}" if listed else "train one with `churn train`",
    )


def _fetch_champion(
    registry: Registry, contract: type[Contract], name: str
) -> tuple[xgboost.Booster | None, list[Gate]]:
    """Fetch the present champion's model; if it cannot be compared with, return a gate that fails for that reason."""
    info = registry.find_champion(name)
    if info is None:
        return None, []
    champion = registry.fetch(info)
    if misfits := list(list_misfits(contract, champion.model)):
        reason = f"the champion, number {info.number}, does not fit the contract: {'; '.join(misfits)}"
        return None, [Gate("comparison", passed=False, reason=reason)]
    return champion.booster, []


def _measure(booster: xgboost.Booster, holdout: HoldoutRows) -> Evaluation:
    return evaluate(holdout.labels, predict(booster, holdout.rows), SEED)
