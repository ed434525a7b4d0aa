"""Exposures as `read_exposures` returns them, of subscribers that a test describes."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from churn.outcomes.exposures import Exposures


def make_exposures(
    features: np.ndarray,
    left: Sequence[bool] | np.ndarray,
    *,
    chances: Sequence[float] | np.ndarray,
    treated: Sequence[bool] | np.ndarray,
    identities: Sequence[str] = (),
    times: Sequence[int] | np.ndarray = (),
    names: Sequence[str] = (),
) -> Exposures:
    """Rows of an experiment in which each was shown nothing with a chance, and else a banner alone."""
    count, nothing = len(features), np.asarray(chances, dtype=float)
    known: dict[str, Any] = {
        "actions": ("nothing", "banner alone"),
        "feature_names": tuple(names),
        "time": np.asarray(times if len(times) else np.arange(count), dtype=np.int64),
        "identity": np.array(list(identities) or [f"{number:032x}" for number in range(count)], dtype=object),
        "features": np.asarray(features, dtype=float),
        "probability": np.where(nothing < 1, 0.9, 0.1),
        "threshold": np.full(count, 0.6),
        "holdout_share": np.full(count, 0.1),
        "propensities": np.stack([nothing, 1 - nothing], axis=1),
        "taken": np.asarray(treated, dtype=np.int64),
        "reasons": [()] * count,
        "left": np.asarray(left, dtype=bool),
        "held_out": np.asarray(treated) == 0,
    }
    others = {field.name: np.full(count, np.nan) for field in fields(Exposures)}
    own = {name: value for name, value in known.items() if name in others}
    texts = {name: np.full(count, None, dtype=object) for name in ("experiment", "model_version", "policy_sha256")}
    return Exposures(**(others | texts | own))
