"""Draw what both versions of a rollout answered: scores, latency and reasons side by side."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from churn.dashboard.charts.drawing import Chart
from churn.dashboard.charts.plots import Series, draw_histogram, draw_shares
from churn.dashboard.words import format_latency, format_percent, format_points, title_from_name
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, OBJECTIVE_S, PROBABILITY_BINS, SET_SIGN

LABELLED_S = frozenset({0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0})
MOST_FEATURES, MOST_SETS = 10, 6


def draw_scores(stable: Counts, canary: Counts) -> Chart:
    """Draw both distributions of the probability."""
    bins = [
        f"{100 * at // PROBABILITY_BINS} to {100 * (at + 1) // PROBABILITY_BINS} %" for at in range(PROBABILITY_BINS)
    ]
    every = PROBABILITY_BINS // 5
    return draw_histogram(
        name="scores",
        title="Scores",
        summary=f"Probabilities of leaving: {stable.predictions:,} by the stable version, "
        f"{canary.predictions:,} by the canary. {_describe_banners(stable, canary)}",
        bins=bins,
        ticks={at: f"{100 * at // PROBABILITY_BINS} %" for at in range(0, PROBABILITY_BINS + 1, every)},
        sides=_pair_sides(stable.probability, canary.probability),
    )


def draw_latency(stable: Counts, canary: Counts) -> Chart:
    """Draw both distributions of latency, in the buckets that the service counts."""
    used = [at for at in range(len(LATENCY_BOUNDS_S) + 1) if stable.latency[at] or canary.latency[at]]
    objective = LATENCY_BOUNDS_S.index(OBJECTIVE_S) + 1
    first, last = min([*used, objective - 1]), max([*used, objective]) + 1
    bounds = (0.0, *LATENCY_BOUNDS_S, float("inf"))
    bins = [
        f"{format_latency(low)} to {format_latency(high)}" if high < float("inf") else f"over {format_latency(low)}"
        for low, high in pairwise(bounds[first : last + 1])
    ]
    slow = [sum(counts.latency[objective:]) / max(sum(counts.latency), 1) for counts in (stable, canary)]
    return draw_histogram(
        name="latency",
        title="Latency",
        summary=f"How long answers took. Over {format_latency(OBJECTIVE_S)}: {format_percent(slow[0])} of the stable "
        f"version's, {format_percent(slow[1])} of the canary's. Heights grow with the square root, "
        "so that rare ones are seen.",
        bins=bins,
        ticks={at - first: format_latency(bounds[at]) for at in range(first, last + 1) if bounds[at] in LABELLED_S},
        sides=_pair_sides(stable.latency[first:last], canary.latency[first:last]),
        mark=(objective - first, f"objective {format_latency(OBJECTIVE_S)}"),
        root=True,
    )


def draw_reasons(stable: Counts, canary: Counts, labels: Mapping[str, str]) -> Chart:
    """Draw the share of predictions in which each feature is among the three that weigh most."""
    together = {**stable.top_features, **canary.top_features}
    names = sorted(together, key=lambda name: (-stable.top_features.get(name, 0), name))[:MOST_FEATURES]
    sides = _pair_sides(*([counts.top_features.get(name, 0) for name in names] for counts in (stable, canary)))
    return draw_shares(
        name="reasons",
        title="Top-3 reasons",
        summary="How often each feature is among the three that weigh most in a prediction.",
        names=[_name_feature(name, labels) for name in names],
        sides=sides,
        totals=(stable.predictions, canary.predictions),
    )


def list_top_sets(stable: Counts, canary: Counts, labels: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """Return the most frequent sets of three: names, both shares, and their difference in points."""
    sets = sorted({**stable.top_sets, **canary.top_sets}, key=lambda name: -canary.top_sets.get(name, 0))[:MOST_SETS]
    rows = []
    for name in sets:
        before, after = (counts.top_sets.get(name, 0) / max(counts.predictions, 1) for counts in (stable, canary))
        features = " · ".join(_name_feature(feature, labels) for feature in name.split(SET_SIGN))
        rows.append((features, format_percent(before), format_percent(after), format_points(after - before)))
    return rows


def _name_feature(name: str, labels: Mapping[str, str]) -> str:
    return labels.get(name) or title_from_name(name)


def _pair_sides(stable: Sequence[int], canary: Sequence[int]) -> tuple[Series, Series]:
    return Series("stable", "stable", stable), Series("canary", "canary", canary)


def _describe_banners(stable: Counts, canary: Counts) -> str:
    if not (stable.predictions and canary.predictions):
        return ""
    before, after = (counts.banners / counts.predictions for counts in (stable, canary))
    return f"With a banner: {format_percent(before)} and {format_percent(after)}."
