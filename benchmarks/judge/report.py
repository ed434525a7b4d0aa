"""A simulation as one object for scripts, as tables for people, and as a page of the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scipy.special import betaincinv

from benchmarks.judge.rivals import LEVEL, RIVALS
from benchmarks.judge.simulation import GROWTH, LOOK, PROMOTE, ROLLBACK, Course
from churn.judging.judge import FALSE_PROMOTION, FALSE_ROLLBACK

CONFIDENCE: Final = 0.95
HALF, MOST = 0.5, 0.9

type Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]


def summary(courses: Sequence[Course], *, seed: int) -> dict[str, Any]:
    """All figures of a simulation."""
    return {
        "seed": seed,
        "runs": courses[0].runs,
        "requests": courses[0].looks[-1],
        "looks": len(courses[0].looks),
        "false_rollback": FALSE_ROLLBACK,
        "false_promotion": FALSE_PROMOTION,
        "scenarios": [
            {
                "name": course.scenario.name,
                "should": course.scenario.should,
                "methods": {method: _figures(course, method) for method in course.ended},
            }
            for course in courses
        ],
        "courses": [{"looks": list(course.looks), "ended": dict(course.ended)} for course in courses],
    }


def interval(hits: int, runs: int) -> tuple[float, float]:
    """The 95 % interval of a share (Clopper and Pearson 1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(hits, runs - hits + 1, tail) if hits else 0.0
    high = betaincinv(hits + 1, runs - hits, 1 - tail) if hits < runs else 1.0
    return float(low), float(high)


def tables(figures: Mapping[str, Any]) -> Iterator[Table]:
    """What the judge did, and what others would have done."""
    scenarios = figures["scenarios"]
    yield (
        f"The judge, {figures['runs']:,} runs of each, up to {figures['requests']:,} requests",
        [
            "scenario",
            "should",
            "rolled back",
            "requests until then: median, 90 %",
            "promoted",
            "requests: median, 90 %",
        ],
        [
            [
                each["name"],
                each["should"],
                _share(each["methods"][ROLLBACK]),
                _when(each["methods"][ROLLBACK]),
                _share(each["methods"][PROMOTE]),
                _when(each["methods"][PROMOTE]),
            ]
            for each in scenarios
        ],
    )
    yield (
        f"Others at the same looks, at {100 * LEVEL:g} % each: runs with an alarm, requests until then (median)",
        ["scenario", *RIVALS],
        [[each["name"], *(_alarms(each["methods"][name]) for name in RIVALS)] for each in scenarios],
    )


def page(figures: Mapping[str, Any]) -> str:
    """The tables in Markdown."""
    text = (
        "<!-- Written by `scripts/bench --judge`. -->\n\n# How well the judge judges\n\n"
        f"Each scenario was run {figures['runs']:,} times with seed {figures['seed']}, a canary of 10 %, and "
        f"{figures['looks']} looks: one after every {LOOK} requests,\nlater after every {100 * GROWTH:g} % more. "
        "In brackets: 95 % intervals (Clopper and Pearson). [The judge](../judge.md) says what this means.\n"
    )
    for title, columns, rows in tables(figures):
        lines = [columns, ["---"] * len(columns), *rows]
        text += f"\n## {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return text


def _figures(course: Course, method: str) -> dict[str, Any]:
    ended = course.ended[method]
    low, high = interval(ended[-1], course.runs)
    return {
        "runs": ended[-1],
        "share": ended[-1] / course.runs,
        "share_low": low,
        "share_high": high,
        "requests_median": _requests_until(course, ended, HALF),
        "requests_90": _requests_until(course, ended, MOST),
    }


def _requests_until(course: Course, ended: Sequence[int], part: float) -> int | None:
    """Until such a part of all runs had ended."""
    return next((at for at, count in zip(course.looks, ended, strict=True) if count >= part * course.runs), None)


def _share(figures: Mapping[str, Any]) -> str:
    return f"{_percent(figures['share'])} ({_percent(figures['share_low'])} to {_percent(figures['share_high'])})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _when(figures: Mapping[str, Any]) -> str:
    times = (figures["requests_median"], figures["requests_90"])
    return ", ".join("-" if each is None else f"{each:,}" for each in times) if any(times) else "-"


def _alarms(figures: Mapping[str, Any]) -> str:
    median = figures["requests_median"]
    return _percent(figures["share"]) + ("" if median is None else f", {median:,}")
