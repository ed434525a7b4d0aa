"""What the banner reaches above each threshold: shares of the holdout, counted without a row of a person."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.answers import DECIMALS
from churn.errors import SettingsError
from churn.files import encode_json
from churn.training.groups import Labels, Weights
from churn.training.kept import explain_errors

CURVE_FILE = "threshold_curve.json"
STEPS = 1000
FINEST = 10**DECIMALS
SHOWN_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)

type Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom the banner reaches above a threshold, counted on a holdout."""

    threshold: float
    banners: int
    reached: int
    rows: int
    leavers: int

    @property
    def share(self) -> float:
        """The share of all subscribers who see a banner."""
        return self.banners / self.rows

    @property
    def precision(self) -> float | None:
        """The share of those who see it that left; None if nobody sees it."""
        return self.reached / self.banners if self.banners else None

    @property
    def recall(self) -> float | None:
        """The share of the leavers who see it; None if nobody left."""
        return self.reached / self.leavers if self.leavers else None

    def describe(self) -> dict[str, float | None]:
        """Return the figures for JSON."""
        return {
            "threshold": self.threshold,
            "banner_share": self.share,
            "precision": self.precision,
            "recall": self.recall,
            "banners": self.banners,
            "leavers_reached": self.reached,
        }


@dataclass(frozen=True, slots=True)
class ThresholdCurve:
    """How many stayed and left at each thousandth of probability; both int64 (1001,).

    Number k has the subscribers whose probability, as shown, is above (k - 1) / 1000 and at most k / 1000. So counts
    above a thousandth are exact.
    """

    stayed: Counts
    left: Counts

    def measure(self, threshold: float) -> Reach:
        """Count who is above a threshold, taken to the thousandth."""
        above = round(threshold * STEPS) + 1
        reached, spared = int(self.left[above:].sum()), int(self.stayed[above:].sum())
        leavers = int(self.left.sum())
        return Reach((above - 1) / STEPS, reached + spared, reached, int(self.stayed.sum()) + leavers, leavers)

    def choose(self, share: float) -> Reach:
        """Choose the lowest threshold above which at most this share of all subscribers lies."""
        return next(reach for reach in self.list_all() if reach.share <= share)

    def list_all(self) -> Iterator[Reach]:
        """List what each thousandth reaches, from 0 to 1."""
        return (self.measure(step / STEPS) for step in range(STEPS + 1))

    def encode(self) -> bytes:
        """Return the counts as JSON, without those that are 0."""
        counts = {
            name: {str(step): int(count) for step, count in enumerate(column) if count}
            for name, column in (("stayed", self.stayed), ("left", self.left))
        }
        return encode_json({"steps": STEPS, **counts})


def measure_curve(
    labels: Labels, probabilities: npt.NDArray[np.float64], weights: Weights | None = None
) -> ThresholdCurve:
    """Count stayed (0) and left (1) by probability, which is rounded as it is shown; both (n,).

    With weights it counts subscribers that the rows stand for, each count rounded.
    """
    steps, weights = steps_from_probabilities(probabilities), np.ones(len(labels)) if weights is None else weights
    stayed, left = (
        np.rint(np.bincount(steps[rows], weights[rows], minlength=STEPS + 1)).astype(np.int64)
        for rows in (np.asarray(labels) == 0, np.asarray(labels) == 1)
    )
    return ThresholdCurve(stayed, left)


def steps_from_probabilities(probabilities: npt.NDArray[np.float64]) -> Counts:
    """Return the thousandth at or above each probability as shown."""
    shown = np.rint(np.asarray(probabilities) * FINEST).astype(np.int64)
    steps: Counts = -(-shown // (FINEST // STEPS))
    return steps


@explain_errors("the threshold curve")
def read_curve(content: bytes) -> ThresholdCurve:
    """Read what `encode` wrote, after it was kept by others."""
    kept = json.loads(content)
    if kept["steps"] != STEPS:
        raise ValueError(f"it has {kept['steps']} steps, not {STEPS}")
    curve = ThresholdCurve(_read_counts(kept["stayed"]), _read_counts(kept["left"]))
    if not curve.stayed.sum() + curve.left.sum():
        raise ValueError("it counts nobody")
    return curve


def _read_counts(kept: Mapping[str, Any]) -> Counts:
    counts = np.zeros(STEPS + 1, dtype=np.int64)
    for step, count in kept.items():
        if not (0 <= int(step) <= STEPS and isinstance(count, int) and count >= 0):
            raise ValueError(f"it counts {count!r} at {step!r}")
        counts[int(step)] = count
    return counts


def choose_by_value(curve: ThresholdCurve, net_dollars: npt.NDArray[np.float64]) -> Reach:
    """Choose the highest threshold above which no expected value is lost.

    Args:
        net_dollars: what offers to the subscribers of each thousandth are expected to be worth, (1001,).

    Raises:
        SettingsError: no offer is worth anything.
    """
    worth = np.flatnonzero(net_dollars > 0)
    if not len(worth):
        raise SettingsError(
            "no offer of the policy is worth its cost to any of these subscribers, so no threshold is better by value",
            instead="choose by --share, or look at the policy with `churn offers simulate`",
        )
    return curve.measure((int(worth[0]) - 1) / STEPS if worth[0] else 0.0)
