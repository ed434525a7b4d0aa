"""What a training run kept with a registered model, checked before it is believed: figures, or rows of a holdout."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract, Rows
from churn.errors import RegistryError
from churn.model.manifest import VERSION_PATTERN, ModelCard
from churn.model.reference import require_reference
from churn.model.shelf import CHAMPION, PREVIOUS
from churn.training.versions import FetchedModel, VersionInfo, name_registered_model

REFERENCE_FILE, REFERENCE_VALUES_FILE = "reference.json", "reference_values.json"
HOLDOUT_FILE = "holdout.npz"  # only runs of earlier versions kept one
THRESHOLD = "threshold"
LONGEST_TAG, LONGEST_VERSION = 200, 64
LOG_FROM, LOG_UNTIL = "log_from", "log_until"
"""Of a version that was trained on rows of the log, too: the times of their first and last, in microseconds."""
HORIZON, AS_OF, SLOPE, INTERCEPT = "horizon_days", "as_of", "calibration_slope", "calibration_intercept"


@dataclass(frozen=True, slots=True)
class HoldoutRows:
    """Encoded rows float32 (n, features) and labels (n,) that a training run set aside."""

    rows: Rows
    labels: npt.NDArray[np.int8]


@contextmanager
def explain_errors(what: str) -> Iterator[None]:
    """Turn whatever is raised at what was kept with a model into one sentence."""
    try:
        yield
    except Exception as error:
        raise RegistryError(
            f"{what} of the registered model cannot be used: {str(error).partition('\n')[0] or type(error).__name__}",
            instead="mend it in the registry, or train and register the model again",
        ) from error


@explain_errors("the holdout")
def read_holdout(fetched: FetchedModel) -> HoldoutRows | None:
    """Read the holdout that the model's training run kept, as runs of earlier versions did."""
    content = fetched.export_files.get(HOLDOUT_FILE)
    if content is None:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        rows, labels = _require_rows(fetched, arrays["rows"]), arrays["labels"]
    if labels.shape != rows.shape[:1]:
        raise ValueError(f"it has {labels.shape} labels of {len(rows)} rows")
    return HoldoutRows(rows, labels)


def _require_rows(fetched: FetchedModel, rows: npt.NDArray[Any]) -> Rows:
    """Return the rows as numbers that the model takes. Raise ValueError if they are none."""
    if rows.ndim != 2 or rows.shape[1] != fetched.trained.feature_count or not len(rows):  # noqa: PLR2004 - a table
        raise ValueError(f"it has rows of shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("it has rows with numbers that are missing or infinite")
    return rows.astype(np.float32, casting="same_kind", copy=False)


@explain_errors("the reference distributions")
def read_reference(contract: type[Contract], fetched: FetchedModel) -> dict[str, Any] | None:
    """Read the reference distributions over the holdout, if they were kept."""
    content = fetched.export_files.get(REFERENCE_FILE)
    return require_reference(contract, json.loads(content)) if content else None


@explain_errors("the reference values")
def read_reference_values(contract: type[Contract], fetched: FetchedModel) -> dict[str, Any] | None:
    """Read what each feature typically is where it speaks for staying, if it was kept."""
    content = fetched.export_files.get(REFERENCE_VALUES_FILE)
    return contract.model_validate(json.loads(content)).model_dump() if content else None


@explain_errors("the threshold")
def read_threshold(info: VersionInfo) -> float | None:
    """Read the banner's threshold that somebody chose for a version; None if nobody did."""
    text = info.tags.get(THRESHOLD)
    if text is None:
        return None
    threshold = float(text)
    if not 0 <= threshold <= 1:
        raise ValueError(f"its tag {THRESHOLD} is {text[:LONGEST_TAG]}, not between 0 and 1")
    return threshold


@explain_errors("the name or a figure")
def build_card(contract: type[Contract], info: VersionInfo) -> ModelCard:
    """Collect what the registry says of the version."""
    for key in ("training_date", "training_data_version", AS_OF):
        if len(said := info.tags.get(key, "")) > LONGEST_TAG or not said.isprintable():
            raise ValueError(f"its tag {key} is longer than {LONGEST_TAG} characters, or not printable")
    if day := info.tags.get("training_date"):
        date.fromisoformat(day)
    for metric in ("test_auc", "test_f1"):
        if not 0 <= info.metrics.get(metric, 0) <= 1:
            raise ValueError(f"its metric {metric} is {info.metrics[metric]}, not between 0 and 1")
    return ModelCard(
        model_version=name_version(contract, info),
        mlflow_run_id=info.run_id,
        registered_as=f"models:/{info.name}/{info.number}",
        training_date=info.tags.get("training_date"),
        training_data_version=info.tags.get("training_data_version"),
        test_auc=info.metrics.get("test_auc"),
        test_f1=info.metrics.get("test_f1"),
        as_of=info.tags.get(AS_OF),
        horizon_days=int(info.tags[HORIZON]) if HORIZON in info.tags else None,
        calibration_slope=float(info.tags[SLOPE]) if SLOPE in info.tags else None,
        calibration_intercept=float(info.tags[INTERCEPT]) if INTERCEPT in info.tags else None,
    )


def name_version(contract: type[Contract], info: VersionInfo) -> str:
    """Return what a version is called in answers and on the shelf.

    One of the contract's own model is called what its tag says, such as v2.3.1. Any other has the registered name
    before it, so that two models never have one name. Raises ValueError if the tag is no version.
    """
    version = info.tags.get("model_version", f"v{info.number}")
    if not re.fullmatch(VERSION_PATTERN, version) or version in {CHAMPION, PREVIOUS}:
        raise ValueError(f"its tag model_version is {version[:LONGEST_TAG]!r}, which is no version such as v2.3.1")
    if info.name == name_registered_model(contract):
        return version
    plain = re.sub("[^A-Za-z0-9._-]+", "-", info.name).strip("-._") or "model"
    return f"{plain[: LONGEST_VERSION - len(version) - 1]}-{version}"[:LONGEST_VERSION]
