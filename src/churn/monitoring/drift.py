"""How far a distribution has moved from its reference: the population stability index, and how to read one.

With shares p and q of the reference and of now, over the same bins,

    PSI = sum of (q - p) * ln(q / p),

which is the Kullback-Leibler divergence taken both ways (Jeffreys). Below 0.1 nothing has moved to speak of, above 0.25
much has: the bands that are usual since Siddiqi, Credit Risk Scorecards (Wiley 2006). It does not grow with the number
of predictions, but few make it jump: where nothing has moved, it is about (bins - 1) * (1 / n + 1 / m) with n and m
counted on either side (Yurdakul, Statistical Properties of Population Stability Index, 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from churn.errors import BundleError

type Band = Literal["steady", "moved", "far", "too few"]

MOVED: Final = 0.1
FAR: Final = 0.25
LEAST_SHARE: Final = 1e-4  # of a bin in which nothing was counted, which would otherwise be infinitely far
NOISE: Final = MOVED / 2  # more of it, and an index says nothing


@dataclass(frozen=True)
class Distribution:
    """Counts over bins that a reference fixed.

    Args:
        name: of a feature, or `probability`.
        bins: what each is called.
        edges: between the bins of a number; empty for categories and booleans, whose values are their bins.
        counts: one for each bin.
    """

    name: str
    bins: tuple[str, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def count(self, values: NDArray[np.float64]) -> tuple[int, ...]:
        """Values, encoded as the model sees them, over the same bins; what is no number is left out."""
        known = values[np.isfinite(values)]
        at = np.searchsorted(self.edges, known, side="right") if self.edges else known.astype(np.int64)
        return tuple(np.bincount(np.clip(at, 0, len(self.bins) - 1), minlength=len(self.bins)).tolist())


@dataclass(frozen=True)
class Drift:
    """How far one feature, or the score, has moved."""

    reference: Distribution
    live: tuple[int, ...]
    index: float
    band: Band


def compute_stability_index(reference: Sequence[int], live: Sequence[int]) -> float:
    """The population stability index of two counts over the same bins; 0 if nothing was counted on a side."""
    if not (sum(reference) and sum(live)):
        return 0.0
    p, q = _shares(reference), _shares(live)
    return float((rel_entr(p, q) + rel_entr(q, p)).sum())


def measure_drift(reference: Distribution, live: Sequence[int]) -> Drift:
    """A reference and what was counted since, over its bins."""
    index = compute_stability_index(reference.counts, live)
    return Drift(reference, tuple(live), index, _band(index, reference.counts, live))


def read_reference(content: Mapping[str, Any]) -> tuple[Distribution, tuple[Distribution, ...]]:
    """The score's and every feature's distribution, of a bundle's `reference.json`.

    Raises:
        BundleError: it is of another form.
    """
    try:
        score = content["probability"]
        inner = [float(edge) for edge in score["edges"][1:-1]]
        bins = tuple(f"{low:.0%} to {high:.0%}" for low, high in zip([0.0, *inner], [*inner, 1.0], strict=True))
        probability = Distribution("probability", bins, tuple(inner), tuple(map(int, score["counts"])))
        return probability, tuple(_feature(name, each) for name, each in content["features"].items())
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"its reference.json is of another form: {error!r}", instead="export the model again with `churn export`"
        ) from error


def _feature(name: str, content: Mapping[str, Any]) -> Distribution:
    counts = tuple(map(int, content["counts"]))
    if "values" in content:
        return Distribution(name, tuple(map(str, content["values"])), (), counts)
    edges = tuple(map(float, content["edges"]))
    return Distribution(name, _ranges(edges), edges, counts)


def _ranges(edges: Sequence[float]) -> tuple[str, ...]:
    """The bins between edges in words; each holds its lower edge."""
    if not edges:
        return ("any",)
    between = [f"{low:g} to below {high:g}" for low, high in pairwise(edges)]
    return (f"below {edges[0]:g}", *between, f"{edges[-1]:g} and more")


def _band(index: float, reference: Sequence[int], live: Sequence[int]) -> Band:
    one, two = sum(reference), sum(live)
    if not (one and two) or (len(reference) - 1) * (1 / one + 1 / two) > NOISE:
        return "too few"
    if index < MOVED:
        return "steady"
    return "moved" if index < FAR else "far"


def _shares(counts: Sequence[int]) -> NDArray[np.float64]:
    found = np.maximum(np.asarray(counts, dtype=float) / sum(counts), LEAST_SHARE)
    return np.asarray(found / found.sum())
