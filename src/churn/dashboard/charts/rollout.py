"""The charts of a rollout: its weights, each check over time, and what both versions answered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from churn.dashboard.charts.drawing import BAND, CANARY, EFFECT, LINE, NARROW, SOFT, Chart, both, draw, layer, rule
from churn.dashboard.charts.plots import Side, by_name, histogram
from churn.dashboard.history import History, Observation, RecordedFinding, thin_out
from churn.dashboard.words import milliseconds, named, percent, points, short_moment
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, OBJECTIVE_S, PROBABILITY_BINS, SET_SIGN

MS = 1000
LABELLED_S = frozenset({0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0})
MOST_FEATURES, MOST_SETS, MOST_ROWS = 10, 6, 24
CLOCK, DAY = "%H:%M", "%-d %b"
TIMES = {
    "seconds": "%H:%M:%S",
    "minutes": CLOCK,
    "hours": CLOCK,
    "day": DAY,
    "date": DAY,
    "week": DAY,
    "month": DAY,
    "quarter": DAY,
    "year": DAY,
}
TIME_AXIS = {"title": None, "tickCount": 4, "labelFlush": True, "format": TIMES}
STANDING_WORDS = {"within": "surely within", "unsure": "not yet sure", "outside": "surely outside"}


def weights_chart(history: History, now: float) -> Chart:
    """The canary's share over time, and what is planned."""
    taken, planned = history.weights(now), history.planned(now)
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc", "nice": False}, "axis": TIME_AXIS}
    y = {
        "field": "weight",
        "type": "quantitative",
        "scale": {"domain": [0, 100]},
        "axis": {"values": [0, 10, 50, 100], "title": "% of requests"},
    }

    def rows(shares: Sequence[tuple[float, int]]) -> list[dict[str, object]]:
        return [{"at": at * MS, "weight": weight} for at, weight in shares]

    tips = [
        {"at": at * MS, "weight": weight, "tip": f"{short_moment(at)}: the canary gets {weight} %"}
        for (_, before), (at, weight) in pairwise(taken)
        if weight != before
    ]
    steps = {"interpolate": "step-after"}
    area = {"type": "area", "color": CANARY, "fillOpacity": 0.22} | steps
    line = {"type": "line", "color": CANARY, "strokeWidth": 2.5} | steps
    spec = {
        "layer": [
            layer(rows(taken), area, x=x, y=y),
            layer(rows(taken), line, x=x, y=y),
            layer(rows(planned), line | {"color": SOFT, "strokeWidth": 1.5, "strokeDash": [3, 4]}, x=x, y=y),
            layer(tips, {"type": "point", "filled": True, "size": 90, "color": CANARY}, x=x, y=y, description="tip:N"),
        ]
    }
    narrow, wide = both(spec, height=170)
    last = taken[-1][1]
    return Chart(
        name="weights",
        title="Weights over time",
        summary=f"The canary's share of the requests since {short_moment(taken[0][0])} UTC; now {last} %.",
        columns=["From (UTC)", "Canary", "Stable"],
        rows=[[short_moment(at), f"{weight} %", f"{100 - weight} %"] for at, weight in taken[:-1]],
        narrow=narrow,
        wide=wide,
        keys=[("canary", "canary's share"), *([("planned", "planned, at the earliest")] if planned else [])],
    )


def check_chart(latest: RecordedFinding, found: Sequence[tuple[Observation, RecordedFinding]], at: int) -> Chart | None:
    """One check's confidence sequence against its tolerance; None if nothing was counted yet.

    Args:
        latest: as it was found last.
        found: at each observation, oldest first.
        at: its number on the page.
    """
    known = [(each, one, one.low, one.high) for each, one in found if one.low is not None and one.high is not None]
    if not known:
        return None
    tolerance = latest.tolerance
    ends = [end for _, one, low, _ in known[-1:] for end in (one.effect or 0.0, low)]
    top = max(2.2 * tolerance, 1.3 * max(ends))
    bottom = min(0.0, max(-1.5 * tolerance, min(low for _, _, low, _ in known)))

    def inside(value: float) -> float:
        return min(max(value, bottom), top)

    rows = [
        {
            "at": observation.at * MS,
            "low": inside(low),
            "high": inside(high),
            "effect": inside(one.effect or 0.0),
            "step": observation.step,
            "tip": f"{short_moment(observation.at)}, at {observation.weight_percent} %: "
            f"between {points(low)} and {points(high)} points, {points(one.effect)} observed. "
            f"{STANDING_WORDS[one.standing].capitalize()}.",
        }
        for observation, one, low, high in known
    ]
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc", "nice": False}, "axis": TIME_AXIS}
    scale = {"domain": [bottom, top], "nice": False, "zero": False}
    y = {"type": "quantitative", "scale": scale, "axis": {"format": "+.2~%", "tickCount": 4, "title": None}}
    step = {"field": "step", "type": "nominal"}
    spec = {
        "layer": [
            layer(
                rows,
                {"type": "area", "color": BAND, "interpolate": "monotone"},
                x=x,
                y={"field": "high", **y},
                y2={"field": "low"},
                detail=step,
            ),
            rule(color=LINE, dashed=False, y={"datum": 0, "type": "quantitative"}),
            layer(
                rows, {"type": "line", "color": EFFECT, "strokeWidth": 2}, x=x, y={"field": "effect", **y}, detail=step
            ),
            rule(y={"datum": tolerance, "type": "quantitative"}),
            layer(
                rows,
                {"type": "rule", "color": EFFECT, "strokeWidth": max(4, NARROW / len(rows)), "opacity": 0},
                x=x,
                description="tip:N",
            ),
        ]
    }
    return Chart(
        name=f"check-{at}",
        title=named(latest.check),
        summary=f"{points(known[-1][2])} to {points(known[-1][3])} percentage points at the last look, "
        f"{points(tolerance)} tolerated: {STANDING_WORDS[latest.standing]}.",
        columns=["Look (UTC)", "Share", "From", "To", "Observed"],
        rows=[
            [short_moment(each.at), f"{each.weight_percent} %", points(low), points(high), points(one.effect)]
            for each, one, low, high in reversed(_some(known))
        ],
        narrow=draw(spec, width=NARROW, height=178),
    )


def _some(
    known: Sequence[tuple[Observation, RecordedFinding, float, float]],
) -> list[tuple[Observation, RecordedFinding, float, float]]:
    kept = {id(each) for each in thin_out([observation for observation, *_ in known], MOST_ROWS)}
    return [row for row in known if id(row[0]) in kept]


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
