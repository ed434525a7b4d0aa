"""From a registered version to champion: measured on the same rows as the present one, then judged by the gates."""

from contextlib import suppress

import numpy as np

from churn.contract.declaration import Contract
from churn.errors import DataError, GateError, RegistryError
from churn.files import encode_json
from churn.model.reference import find_reference_values, measure_reference
from churn.training.agreement import list_misfits
from churn.training.curve import CURVE_FILE, measure_curve
from churn.training.data import TrainingData
from churn.training.evaluation import compute_contributions, compute_shares, rank_features
from churn.training.gates import Gate, check_release_gates
from churn.training.holdout import Boundary, Mask, split_by_chance
from churn.training.kept import (
    HORIZON,
    REFERENCE_FILE,
    REFERENCE_VALUES_FILE,
    HoldoutRows,
    name_version,
    read_holdout,
)
from churn.training.measured import (
    MEASURED_FILE,
    Measured,
    compare_versions,
    find_unseen,
    list_others,
    measure,
    read_measured,
)
from churn.training.registry import EXPORT_FOLDER, Registry
from churn.training.uplift.promotion import check_uplift_version, has_uplift
from churn.training.versions import FetchedModel, RunRecord, VersionInfo, name_registered_model


def check_version(
    registry: Registry,
    contract: type[Contract],
    version: str,
    data: TrainingData | None = None,
    *,
    unseen: TrainingData | None = None,
    name: str | None = None,
) -> tuple[VersionInfo, list[Gate]]:
    """Check a version against every release gate, and return both.

    The version is the registry's number, the model's own version or an alias, such as `2`, `v2.4.0` or `previous`. Its
    figures are those that were measured when it was trained, or on an earlier `unseen`. One with an uplift has the
    champion's churn model, and gates of its own.

    Args:
        data: the file that it was trained on: its figures are measured anew.
        unseen: subscribers that it was not trained on: its figures are measured on all of them, and recorded.
        name: of the registered model; the contract's own if None.

    Raises:
        RegistryError: there is no such version.
        GateError: its features are not the contract's, so it could never be served.
        DataError: the data is not what it was trained on, or what is unseen is.
    """
    info = find_version(registry, contract, version, name)
    if has_uplift(info):
        return info, check_uplift_version(registry, contract, info, has_data=bool(data or unseen))
    candidate = registry.fetch(info)
    if misfits := list(list_misfits(contract, candidate.model)):
        raise GateError(
            f"{version} does not fit the contract {contract.contract_name}: {'; '.join(misfits)}",
            instead="promote a version that can be served",
        )
    champion = registry.find_champion(info.name)
    if champion and champion.number == info.number:
        champion = None
    rows, held = unseen or data, _find_holdout(contract, info, data, unseen)
    holdout = HoldoutRows(rows.rows[held], rows.labels[held]) if rows else read_holdout(candidate)

    def find_unseen_of(other: VersionInfo) -> Mask | None:
        mask = find_unseen(other, rows) if rows else None
        return None if mask is None else mask[held]

    if holdout:
        shares = compute_shares(rank_features(contract, candidate.trained, holdout.rows))
        compared = [champion] if champion else []
        comparisons = compare_versions(
            registry, contract, compared, trained=candidate.trained, holdout=holdout, find_unseen=find_unseen_of
        )
        measured = Measured(measure(candidate.trained, holdout), shares, list_others(comparisons), comparisons)
        if unseen:
            registry.record_evaluation(contract, info, _build_record(contract, candidate, unseen, measured))
    elif (recorded := read_measured(candidate)) is None:
        reason = "nothing was measured on a holdout; `churn train` does that, and `churn promote --holdout FILE`"
        return info, [Gate("holdout", passed=False, reason=reason)]
    else:
        measured = recorded
    gates = check_release_gates(
        contract,
        fingerprint=info.tags.get("contract_fingerprint"),
        horizon=info.tags.get(HORIZON),
        read_by=contract.fingerprint if unseen else info.evaluated_for,
        candidate=measured.own,
        champion=measured.others.get(champion.number) if champion else None,
        comparison=measured.comparisons.get(champion.number) if champion else None,
        contribution_shares=measured.contribution_shares,
        protected_costs=measured.protected_costs,
    )
    if champion and champion.number not in {*measured.others, *measured.comparisons}:
        gates.insert(0, Gate("comparison", passed=False, reason=_explain_gap(registry, contract, champion, version)))
    return info, gates


def find_version(registry: Registry, contract: type[Contract], version: str, name: str | None = None) -> VersionInfo:
    """Find the newest version that has this model version, this number, this alias or this bundle's name.

    Args:
        name: of the registered model; the contract's own if None.

    Raises:
        RegistryError: there is none; names those that there are.
    """
    name = name or name_registered_model(contract)
    versions = registry.list_versions(name)
    for info in versions:
        if version in {info.tags.get("model_version"), str(info.number), *info.aliases}:
            return info
        with suppress(ValueError):  # a tag that is no version names no bundle
            if version == name_version(contract, info):
                return info
    listed = ", ".join(info.tags.get("model_version", str(info.number)) for info in versions)
    raise RegistryError(
        f"{name} has no version {version}",
        instead=f"choose one of {listed}" if listed else "train one with `churn train`",
    )


def _find_holdout(
    contract: type[Contract], info: VersionInfo, data: TrainingData | None, unseen: TrainingData | None
) -> Mask | slice:
    """Find the rows that the version was not trained on, in the file that is given."""
    if unseen:
        _require_unseen(info, unseen)
    if not data:
        return slice(None)
    if data.sha256 != info.tags.get("training_data_sha256"):
        raise DataError(
            f"{data.version} is not the file that {info.name} number {info.number} was trained on: its sha256 differs",
            instead="give the file that it was trained on",
        )
    if Boundary.read_tags(info.tags) is None:
        return split_by_chance(data.labels)
    return np.isin(np.arange(len(data.labels)), data.split(contract).holdout)


def _require_unseen(info: VersionInfo, data: TrainingData) -> None:
    """Raise DataError if the file is the one that the version was trained on."""
    if data.sha256 == info.tags.get("training_data_sha256"):
        raise DataError(
            f"{info.name} number {info.number} was trained on {data.version}, so nothing in it is unseen",
            instead="give subscribers that it was not trained on, or the same file as --data",
        )


def _build_record(
    contract: type[Contract], candidate: FetchedModel, data: TrainingData, measured: Measured
) -> RunRecord:
    """Collect what an evaluation leaves: figures and aggregates, no row of a person."""
    rows = data.rows
    probabilities = candidate.trained.predict(rows)
    contributions = compute_contributions(candidate.trained, rows).astype(np.float32)
    return RunRecord(
        params={},
        metrics={
            "test_auc": measured.own.auc,
            "test_f1": measured.own.f1,
            "test_log_loss": measured.own.log_loss,
            "test_calibration_error": measured.own.expected_calibration_error,
        },
        tags={
            "contract": contract.contract_name,
            "contract_fingerprint": contract.fingerprint,
            "holdout_data_version": data.version,
        },
        files={
            f"{EXPORT_FOLDER}/{CURVE_FILE}": measure_curve(data.labels, probabilities).encode(),
            f"{EXPORT_FOLDER}/{MEASURED_FILE}": measured.encode(),
            f"{EXPORT_FOLDER}/{REFERENCE_FILE}": encode_json(measure_reference(contract, rows, probabilities)),
            f"{EXPORT_FOLDER}/{REFERENCE_VALUES_FILE}": encode_json(
                find_reference_values(contract, rows, contributions)
            ),
        },
    )


def _explain_gap(registry: Registry, contract: type[Contract], champion: VersionInfo, version: str) -> str:
    """Say why the champion cannot be compared with."""
    if misfits := list(list_misfits(contract, registry.fetch(champion).model)):
        return f"the champion, number {champion.number}, does not fit the contract: {'; '.join(misfits)}"
    return (
        f"the champion, number {champion.number}, was not measured on the holdout of {version}; "
        f"`churn promote {version} --data FILE` measures it on the file that {version} was trained on"
    )
