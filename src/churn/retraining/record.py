"""What the run of a challenger keeps: parameters, figures, the log's period, counts and segments. It keeps no row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from churn.contract.declaration import Contract
from churn.files import encode_json
from churn.model.reference import find_reference_values, measure_reference
from churn.retraining.challenger import Challenger
from churn.retraining.mixture import Mixture
from churn.retraining.sources import LoggedSegment
from churn.retraining.untreated import UntreatedRows
from churn.training import plots
from churn.training.curve import CURVE_FILE, measure_curve
from churn.training.data import TrainingData
from churn.training.evaluation import compute_contributions
from churn.training.gates import Gate
from churn.training.kept import (
    AS_OF,
    HORIZON,
    INTERCEPT,
    LOG_FROM,
    LOG_UNTIL,
    REFERENCE_FILE,
    REFERENCE_VALUES_FILE,
    SLOPE,
)
from churn.training.measured import MEASURED_FILE, Measured, list_others
from churn.training.registry import EXPORT_FOLDER
from churn.training.subscribers import SUBSCRIBERS_FILE, hash_subscribers
from churn.training.versions import RunRecord, VersionInfo

SEGMENTS_FILE, GATES_FILE = "log_segments.json", "gates.json"
CHAMPION_NUMBER, WEIGHTING = "retrained_beside", "log_rows_count_by"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a challenger comes from.

    Args:
        version: what it is called.
        champion: the version that it was trained and measured beside.
        data: the old training rows.
        logged: the log's rows.
        segments: the closed segments that may hold these.
    """

    version: str
    champion: VersionInfo
    data: TrainingData
    logged: UntreatedRows
    segments: Sequence[LoggedSegment]


def build_challenger_record(
    contract: type[Contract],
    origin: Origin,
    mixture: Mixture,
    challenger: Challenger,
    gates: Sequence[Gate],
    *,
    now: datetime,
    salt: str | None = None,
) -> RunRecord:
    """Collect what a challenger leaves in MLflow.

    Args:
        salt: of the keyed hashes of those in the training file; without it none are kept.
    """
    data, evaluation, holdout = origin.data, challenger.evaluation, challenger.holdout
    probabilities = np.asarray(challenger.model.predict(challenger.shown), dtype=np.float64)
    contributions = compute_contributions(challenger.model, challenger.shown)
    measured = Measured(
        evaluation,
        challenger.shares,
        list_others({origin.champion.number: challenger.everything}),
        {origin.champion.number: challenger.everything},
    )
    figures = {
        "calibration": plots.plot_calibration(evaluation),
        "confusion": plots.plot_confusion(evaluation),
        "shap_bar": plots.plot_feature_strengths(contract, challenger.strengths),
        "shap_summary": plots.plot_contributions(contract, contributions, challenger.shown),
    }
    files = plots.render_figures(figures) | {
        "evaluation.json": encode_json(asdict(evaluation)),
        "mean_abs_shap.json": encode_json({"mean": dict(challenger.strengths), "share": challenger.shares}),
        GATES_FILE: encode_json([asdict(gate) for gate in gates]),
        SEGMENTS_FILE: encode_json([segment._asdict() for segment in origin.segments]),
        f"{EXPORT_FOLDER}/{REFERENCE_FILE}": encode_json(measure_reference(contract, challenger.shown, probabilities)),
        f"{EXPORT_FOLDER}/{REFERENCE_VALUES_FILE}": encode_json(
            find_reference_values(contract, challenger.shown, contributions.astype(np.float32))
        ),
        f"{EXPORT_FOLDER}/{CURVE_FILE}": measure_curve(holdout.labels, holdout.challenger, holdout.weights).encode(),
        f"{EXPORT_FOLDER}/{MEASURED_FILE}": measured.encode(),
    }
    if salt and data.ids:
        files[SUBSCRIBERS_FILE] = hash_subscribers(data.ids, salt)
    return RunRecord(
        params={
            "method": challenger.recipe.method.name,
            **challenger.recipe.params,
            "rows": len(mixture.labels),
            "holdout_rows": evaluation.rows,
            **{f"log_{name}": value for name, value in count_rows(mixture, origin.logged).items()},
        },
        metrics=_collect_metrics(challenger),
        tags=_collect_tags(contract, origin, mixture, challenger, now),
        files=files,
    )


def count_rows(mixture: Mixture, logged: UntreatedRows) -> dict[str, int]:
    """Count the log's rows by what became of them."""
    return {
        "trained_on": mixture.count(logged=True, held_out=False),
        "held_out": mixture.count(logged=True, held_out=True),
        "treated_left_out": logged.treated,
        "copies_left_out": mixture.left_out,
    }


def _collect_metrics(challenger: Challenger) -> dict[str, float]:
    evaluation, log = challenger.evaluation, challenger.log
    metrics = {
        "test_auc": evaluation.auc,
        "test_auc_low": evaluation.auc_low,
        "test_auc_high": evaluation.auc_high,
        "test_f1": evaluation.f1,
        "test_log_loss": evaluation.log_loss,
        "test_brier": evaluation.brier,
        "test_calibration_error": evaluation.expected_calibration_error,
        "test_base_rate": evaluation.base_rate,
        "out_of_fold_calibration_error": challenger.calibration.error,
    }
    if log.own and log.other:
        metrics |= {
            "log_auc_untreated": log.own.auc,
            "log_auc_untreated_champion": log.other.auc,
            "log_log_loss": log.own.log_loss,
            "log_log_loss_champion": log.other.log_loss,
        }
    return metrics


def _collect_tags(
    contract: type[Contract], origin: Origin, mixture: Mixture, challenger: Challenger, now: datetime
) -> dict[str, str]:
    data, calibration = origin.data, challenger.calibration
    tags: dict[str, Any] = {
        "model_version": origin.version,
        "contract": contract.contract_name,
        "contract_fingerprint": contract.fingerprint,
        "training_date": now.date().isoformat(),
        "training_data_version": data.version,
        "training_data_sha256": data.sha256,
        CHAMPION_NUMBER: origin.champion.number,
        WEIGHTING: challenger.weighting,
        **name_period(origin.logged),
        **mixture.boundary.build_tags(),
    }
    if calibration.is_applied:
        tags |= {SLOPE: repr(calibration.slope), INTERCEPT: repr(calibration.intercept)}
    tags |= {HORIZON: contract.horizon_days} if contract.horizon_days else {}
    tags |= {AS_OF: data.as_of} if data.as_of else {}
    return {name: str(value) for name, value in tags.items()}


def name_period(logged: UntreatedRows) -> Mapping[str, str]:
    """Return the times of the log's first and last row as tags, in microseconds since 1970."""
    if not len(logged):
        return {}
    return {LOG_FROM: str(int(logged.times.min())), LOG_UNTIL: str(int(logged.times.max()))}
