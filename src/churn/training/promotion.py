"""From a registered version to champion: measured on the same rows as the present one, then judged by the gates."""

from contextlib import suppress
from dataclasses import replace

import numpy as np

from churn.contract.declaration import Contract
from churn.errors import DataError, GateError, RegistryError
from churn.files import encode_json
from churn.model.reference import find_reference_values, measure_reference
from churn.training.agreement import list_misfits
from churn.training.data import TrainingData
from churn.training.evaluation import compute_contributions, compute_shares, rank_features
from churn.training.fit import SEED, split_rows
from churn.training.gates import Gate, check_release_gates
from churn.training.kept import (
    REFERENCE_FILE,
    REFERENCE_VALUES_FILE,
    HoldoutRows,
    name_version,
    read_holdout,
)
from churn.training.measured import MEASURED_FILE, Measured, measure, measure_versions, read_measured
from churn.training.registry import EXPORT_FOLDER, Registry
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
    figures are those that were measured when it was trained, or on an earlier `unseen`.

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
    candidate = registry.fetch(info)
    if misfits := list(list_misfits(contract, candidate.model)):
        raise GateError(
            f"{version} does not fit the contract {contract.contract_name}: {'; '.join(misfits)}",
            instead="promote a version that can be served",
        )
    champion = registry.find_champion(info.name)
    if unseen:
        holdout: HoldoutRows | None = _take_unseen(info, unseen)
    else:
        holdout = _draw_holdout(info, data) if data else read_holdout(candidate)
    if holdout:
        shares = compute_shares(rank_features(contract, candidate.trained, holdout.rows))
        others = measure_versions(registry, contract, [champion] if champion else [], holdout)
        measured = Measured(measure(candidate.trained, holdout), shares, others)
        if unseen:
            registry.record_evaluation(contract, info, _build_record(contract, candidate, unseen, measured))
    elif (recorded := read_measured(candidate)) is None:
        reason = "nothing was measured on a holdout; `churn train` does that, and `churn promote --holdout FILE`"
        return info, [Gate("holdout", passed=False, reason=reason)]
    else:
        measured = replace(recorded, others={**recorded.others, info.number: recorded.own})
    compared = measured.others.get(champion.number) if champion else None
    gates = check_release_gates(
        contract,
        fingerprint=info.tags.get("contract_fingerprint"),
        read_by=contract.fingerprint if unseen else info.evaluated_for,
        candidate=measured.own,
        champion=compared,
        contribution_shares=measured.contribution_shares,
    )
    if champion and compared is None:
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


def _draw_holdout(info: VersionInfo, data: TrainingData) -> HoldoutRows:
    """Draw the holdout of the file anew: the same file always has the same one."""
    if data.sha256 != info.tags.get("training_data_sha256"):
        raise DataError(
            f"{data.version} is not the file that {info.name} number {info.number} was trained on: its sha256 differs",
            instead="give the file that it was trained on",
        )
    _, holdout = split_rows(data.labels, SEED)
    return HoldoutRows(data.rows[holdout], data.labels[holdout])


def _take_unseen(info: VersionInfo, data: TrainingData) -> HoldoutRows:
    """Take all rows of the file. Raise DataError if it is the one that the version was trained on."""
    if data.sha256 == info.tags.get("training_data_sha256"):
        raise DataError(
            f"{info.name} number {info.number} was trained on {data.version}, so nothing in it is unseen",
            instead="give subscribers that it was not trained on, or the same file as --data",
        )
    return HoldoutRows(data.rows, data.labels)


def _build_record(
    contract: type[Contract], candidate: FetchedModel, data: TrainingData, measured: Measured
) -> RunRecord:
    """Collect what an evaluation leaves: figures and aggregates, no row of a person."""
    rows = data.rows
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
            f"{EXPORT_FOLDER}/{MEASURED_FILE}": measured.encode(),
            f"{EXPORT_FOLDER}/{REFERENCE_FILE}": encode_json(
                measure_reference(contract, rows, candidate.trained.predict(rows))
            ),
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
