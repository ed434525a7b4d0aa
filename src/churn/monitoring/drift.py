"""Measure how far a distribution has moved from its reference: the population stability index and its bands.

Let p and q be the shares of reference and present over the same bins. Then

    PSI = sum of (q - p) * ln(q / p),

the Kullback-Leibler divergence in both directions (Jeffreys). The bands are the usual ones (Siddiqi, Credit Risk
Scorecards, Wiley 2006): below 0.1 little has moved, above 0.25 much has. The index does not grow with the number of
predictions, but few predictions make it jump. If nothing has moved, it is about (bins - 1) * (1 / n + 1 / m), with n
and m values on the two sides (Yurdakul, Statistical Properties of Population Stability Index, 2018).
"""

from collections.abc import Iterator, Mapping, Sequence
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
LEAST_SHARE: Final = 1e-4  # of an empty bin, which would otherwise be infinitely far
NOISE: Final = MOVED / 2  # with more noise an index says nothing


@dataclass(frozen=True)
class Distribution:
    """Counts over the bins of a reference.

    Args:
        name: a feature's name, or `probability`.
        bins: the name of each bin.
        edges: between the bins of a number; empty for categories and booleans, which have one bin for each value.
        counts: one for each bin.
        has_unknown: whether the last bin counts unknown values.
    """

    name: str
    bins: tuple[str, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    has_unknown: bool = False

    def count(self, values: NDArray[np.float64]) -> tuple[int, ...]:
        """Count encoded values over the same bins; leave out infinity, and NaN where no bin counts unknown values."""
        known = values[np.isfinite(values)]
        bins = len(self.bins) - self.has_unknown
        at = np.searchsorted(self.edges, known, side="right") if self.edges else known.astype(np.int64)
        counts: list[int] = np.bincount(np.clip(at, 0, bins - 1), minlength=bins).tolist()
        return (*counts, *([int(np.isnan(values).sum())] if self.has_unknown else []))


@dataclass(frozen=True)
class Drift:
    """How far one feature, or the score, has moved: counts since then, index and band."""

    reference: Distribution
    live: tuple[int, ...]
    index: float
    band: Band


def compute_stability_index(reference: Sequence[int], live: Sequence[int]) -> float:
    """Compute the index of two lists of counts over the same bins; 0 if a side has no counts."""
    if not (sum(reference) and sum(live)):
        return 0.0
    p, q = _compute_shares(reference), _compute_shares(live)
    return float((rel_entr(p, q) + rel_entr(q, p)).sum())


def measure_drift(reference: Distribution, live: Sequence[int]) -> Drift:
    """Compare a reference with live counts over its bins."""
    index = compute_stability_index(reference.counts, live)
    return Drift(reference, tuple(live), index, _find_band(index, reference.counts, live))


def read_reference(content: Mapping[str, Any]) -> tuple[Distribution, tuple[Distribution, ...]]:
    """Read the distributions of the score and of every feature from a bundle's `reference.json`.

    Raises:
        BundleError: it is of another form.
    """
    try:
        score = content["probability"]
        inner = [float(edge) for edge in score["edges"][1:-1]]
        bins = tuple(f"{low:.0%} to {high:.0%}" for low, high in zip([0.0, *inner], [*inner, 1.0], strict=True))
        probability = Distribution("probability", bins, tuple(inner), tuple(map(int, score["counts"])))
        return probability, tuple(_read_feature(name, counts) for name, counts in content["features"].items())
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"its reference.json is of another form: {error!r}", instead="export the model again with `churn export`"
        ) from error


def _read_feature(name: str, content: Mapping[str, Any]) -> Distribution:
    has_unknown = "unknown" in content
    unknown = [content["unknown"]] if has_unknown else []
    counts = tuple(map(int, [*content["counts"], *unknown]))
    edges = tuple(map(float, content.get("edges", ())))
    bins = tuple(map(str, content["values"])) if "values" in content else tuple(_name_bins(edges))
    return Distribution(name, bins + ("unknown",) * has_unknown, edges, counts, has_unknown)


def _name_bins(edges: Sequence[float]) -> Iterator[str]:
    if not edges:
        yield "any"
        return
    yield f"below {edges[0]:g}"
    yield from (f"{low:g} to below {high:g}" for low, high in pairwise(edges))
    yield f"{edges[-1]:g} and more"


def _find_band(index: float, reference: Sequence[int], live: Sequence[int]) -> Band:
    before, now = sum(reference), sum(live)
    if not (before and now) or (len(reference) - 1) * (1 / before + 1 / now) > NOISE:
        return "too few"
    if index < MOVED:
        return "steady"
    return "moved" if index < FAR else "far"


def _compute_shares(counts: Sequence[int]) -> NDArray[np.float64]:
    shares = np.maximum(np.asarray(counts, dtype=float) / sum(counts), LEAST_SHARE)
    return np.asarray(shares / shares.sum())
