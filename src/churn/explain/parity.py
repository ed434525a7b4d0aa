"""Proving that an explainer says what XGBoost says, on rows made to catch it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost

from churn.contract import Rows
from churn.explain import Explainer

TOLERANCE = 1e-5
ROWS = 100_000
MISSING_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest differences from XGBoost over some rows, in log-odds."""

    rows: int
    margin: float
    contributions: float

    @property
    def tolerable(self) -> bool:
        """Whether both lie within 1e-5; NaN does not."""
        return max(self.margin, self.contributions) <= TOLERANCE


def adversarial_rows(
    thresholds: Sequence[npt.NDArray[np.float32]], sample: Rows, generator: np.random.Generator, count: int = ROWS
) -> Rows:
    """Rows that sit on the edges: every threshold, one ulp below and above it, the extremes, and missing values.

    Args:
        thresholds: per feature, those that the trees split at.
        sample: float32 (n, features), ordinary rows to draw ordinary values from.
        generator: where chance comes from.
        count: how many rows to make; more if it takes more for every edge to occur.

    Returns:
        float32 (count, features); each feature's values are drawn apart from the others'.
    """
    largest = np.finfo(np.float32).max
    columns = []
    pools = [
        np.concatenate([
            axis,
            np.nextafter(axis, np.float32(-np.inf)),
            np.nextafter(axis, np.float32(np.inf)),
            np.array([-largest, -0.0, 0.0, largest], dtype=np.float32),
            sample[: len(axis) + 4, feature],
        ])
        for feature, axis in enumerate(thresholds)
    ]  # fmt: skip
    count = max(count, *map(len, pools))
    for pool in pools:
        drawn = np.concatenate([pool, generator.choice(pool, count - len(pool))])
        generator.shuffle(drawn)
        drawn[generator.random(count) < MISSING_SHARE] = np.nan
        columns.append(drawn)
    return np.column_stack(columns).astype(np.float32)


def difference(explain: Explainer, booster: xgboost.Booster, rows: Rows) -> Difference:
    """Compares an explainer with XGBoost's own margin and `pred_contribs`."""
    data = xgboost.DMatrix(rows)
    expected = booster.predict(data, pred_contribs=True, validate_features=False)
    margin = booster.predict(data, output_margin=True, validate_features=False)
    found = explain(rows).astype(np.float64)
    return Difference(
        rows=len(rows),
        margin=float(np.abs(found.sum(axis=1) - margin).max()),
        contributions=float(np.abs(found - expected).max()),
    )
