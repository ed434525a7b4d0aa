"""Draw what both versions of a rollout answered: scores, latency and reasons side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from churn.dashboard.charts.drawing import Chart
from churn.dashboard.charts.plots import Side, by_name, histogram
from churn.dashboard.words import milliseconds, named, percent, points
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, OBJECTIVE_S, PROBABILITY_BINS, SET_SIGN

LABELLED_S = frozenset({0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0})
MOST_FEATURES, MOST_SETS = 10, 6


def score_chart(stable: Counts, canary: Counts) -> Chart:
    """Both distributions of the probability."""
    bins = [
        f"{100 * at // PROBABILITY_BINS} to {100 * (at + 1) // PROBABILITY_BINS} %" for at in range(PROBABILITY_BINS)
    ]
    every = PROBABILITY_BINS // 5
    return histogram(
        name="scores",
        title="Scores",
        summary=f"Probabilities of leaving: {stable.predictions:,} by the stable version, "
        f"{canary.predictions:,} by the canary. {_banner_words(stable, canary)}",
        bins=bins,
        ticks={at: f"{100 * at // PROBABILITY_BINS} %" for at in range(0, PROBABILITY_BINS + 1, every)},
        sides=_sides(stable.probability, canary.probability),
    )


def latency_chart(stable: Counts, canary: Counts) -> Chart:
    """Both distributions of how long answers took, in the buckets that are counted."""
    used = [at for at in range(len(LATENCY_BOUNDS_S) + 1) if stable.latency[at] or canary.latency[at]]
    objective = LATENCY_BOUNDS_S.index(OBJECTIVE_S) + 1
    first, last = min([*used, objective - 1]), max([*used, objective]) + 1
    bounds = (0.0, *LATENCY_BOUNDS_S, float("inf"))
    bins = [
        f"{milliseconds(low)} to {milliseconds(high)}" if high < float("inf") else f"over {milliseconds(low)}"
        for low, high in pairwise(bounds[first : last + 1])
    ]
    slow = [sum(counts.latency[objective:]) / max(sum(counts.latency), 1) for counts in (stable, canary)]
    return histogram(
        name="latency",
        title="Latency",
        summary=f"How long answers took. Over {milliseconds(OBJECTIVE_S)}: {percent(slow[0])} of the stable version's, "
        f"{percent(slow[1])} of the canary's. Heights grow with the square root, so that rare ones are seen.",
        bins=bins,
        ticks={at - first: milliseconds(bounds[at]) for at in range(first, last + 1) if bounds[at] in LABELLED_S},
        sides=_sides(stable.latency[first:last], canary.latency[first:last]),
        mark=(objective - first, f"objective {milliseconds(OBJECTIVE_S)}"),
        root=True,
    )


def reason_chart(stable: Counts, canary: Counts) -> Chart:
    """In which share of the predictions each feature is among the three that weigh most."""
    together = {**stable.top_features, **canary.top_features}
    names = sorted(together, key=lambda name: (-stable.top_features.get(name, 0), name))[:MOST_FEATURES]
    sides = _sides(*([counts.top_features.get(name, 0) for name in names] for counts in (stable, canary)))
    return by_name(
        name="reasons",
        title="Top-3 reasons",
        summary="How often each feature is among the three that weigh most in a prediction.",
        names=[named(name) for name in names],
        sides=sides,
        totals=(stable.predictions, canary.predictions),
    )


def top_sets(stable: Counts, canary: Counts) -> list[tuple[str, str, str, str]]:
    """The sets of three that occur most: names, both shares, and their difference in points."""
    found = sorted({**stable.top_sets, **canary.top_sets}, key=lambda name: -canary.top_sets.get(name, 0))[:MOST_SETS]
    rows = []
    for each in found:
        one, two = (
            counts.top_sets.get(each, 0) / counts.predictions if counts.predictions else 0.0
            for counts in (stable, canary)
        )
        rows.append((" · ".join(map(named, each.split(SET_SIGN))), percent(one), percent(two), points(two - one)))
    return rows


def _sides(stable: Sequence[int], canary: Sequence[int]) -> tuple[Side, Side]:
    return Side("stable", "stable", stable), Side("canary", "canary", canary)


def _banner_words(stable: Counts, canary: Counts) -> str:
    if not (stable.predictions and canary.predictions):
        return ""
    one, two = (counts.banners / counts.predictions for counts in (stable, canary))
    return f"With a banner: {percent(one)} and {percent(two)}."
