"""From a registered version to champion: measured on the same rows as the present one, then judged by the gates."""

from dataclasses import replace

from churn.contract.declaration import Contract
from churn.errors import DataError, GateError, RegistryError
from churn.training.agreement import list_misfits
from churn.training.data import TrainingData
from churn.training.evaluation import compute_shares, rank_features
from churn.training.fit import SEED, split_rows
from churn.training.gates import Gate, check_release_gates
from churn.training.kept import HoldoutRows, read_holdout
from churn.training.measured import Measured, measure, measure_versions, read_measured
from churn.training.registry import Registry, VersionInfo, name_registered_model


def check_version(
    registry: Registry, contract: type[Contract], version: str, data: TrainingData | None = None
) -> tuple[VersionInfo, list[Gate]]:
    """Check a version against every release gate, and return both.

    The version is the registry's number, the model's own version or an alias, such as `2`, `v2.4.0` or `previous`. Its
    figures are those that its training run measured; with `data`, its training file, they are measured anew.

    Raises:
        RegistryError: there is no such version.
        GateError: its features are not the contract's, so it could never be served.
        DataError: the data is not what it was trained on.
    """
    info = find_version(registry, contract, version)
    candidate = registry.fetch(info)
    if misfits := list(list_misfits(contract, candidate.model)):
        raise GateError(
            f"{version} does not fit the contract {contract.contract_name}: {'; '.join(misfits)}",
            instead="promote a version that can be served",
        )
    candidate.booster.feature_names = contract.feature_names()
    champion = registry.find_champion(info.name)
    holdout = _draw_holdout(info, data) if data else read_holdout(candidate)
    if holdout:
        shares = compute_shares(rank_features(candidate.booster, holdout.rows))
        others = measure_versions(registry, contract, [champion] if champion else [], holdout)
        measured = Measured(measure(candidate.booster, holdout), shares, others)
    elif (recorded := read_measured(candidate)) is None:
        reason = "nothing was measured on a holdout; `churn train` does that"
        return info, [Gate("holdout", passed=False, reason=reason)]
    else:
        measured = replace(recorded, others={**recorded.others, info.number: recorded.own})
    compared = measured.others.get(champion.number) if champion else None
    gates = check_release_gates(
        contract,
        fingerprint=info.tags.get("contract_fingerprint"),
        candidate=measured.own,
        champion=compared,
        contribution_shares=measured.contribution_shares,
    )
    if champion and compared is None:
        gates.insert(0, Gate("comparison", passed=False, reason=_explain_gap(registry, contract, champion, version)))
    return info, gates


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


def _draw_holdout(info: VersionInfo, data: TrainingData) -> HoldoutRows:
    """Draw the holdout of the file anew: the same file always has the same one."""
    if data.sha256 != info.tags.get("training_data_sha256"):
        raise DataError(
            f"{data.version} is not the file that {info.name} number {info.number} was trained on: its sha256 differs",
            instead="give the file that it was trained on",
        )
    _, holdout = split_rows(data.labels, SEED)
    return HoldoutRows(data.rows[holdout], data.labels[holdout])


def _explain_gap(registry: Registry, contract: type[Contract], champion: VersionInfo, version: str) -> str:
    """Say why the champion cannot be compared with."""
    if misfits := list(list_misfits(contract, registry.fetch(champion).model)):
        return f"the champion, number {champion.number}, does not fit the contract: {'; '.join(misfits)}"
    return (
        f"the champion, number {champion.number}, was not measured on the holdout of {version}; "
        f"`churn promote {version} --data FILE` measures it on the file that {version} was trained on"
    )
