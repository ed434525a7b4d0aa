"""The report on what outcomes say where the truth is known, as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.outcomes.figures import TARGET_EFFECT, TARGET_EVERY, TARGET_LAST
from benchmarks.outcomes.simulation import ACCEPTANCE, AUC, AUC_UNTREATED, CALIBRATION, EFFECT, LIFT
from benchmarks.outcomes.world import ENROL_DAYS, HORIZON_DAYS, TOP
from benchmarks.report import build_table

HEAD = """\
<!-- Made by scripts/bench --outcomes from simulation.json; edit benchmarks/outcomes/report.py instead. -->

# What outcomes say where the truth is known

Each scenario was played {runs:,} times with seed {seed}. {people:,} subscribers come within {enrol} days and come again
now and then. They leave within {horizon} days or stay. The report is asked on the days {days}. On the last everything
is known. The simulation makes people, arms and departures without the project's code. [Outcomes](../outcomes.md) says
what the figures mean.

An interval of 95 % should hold the truth in {last} of the runs at the last look. That is 95 %, less what chance may
take from 1,000 runs. One that claims every look should hold it at all looks together in {every} of the runs. In
brackets are 95 % intervals (Clopper and Pearson).
"""

EFFECT_HEAD = """\
Here only the effect is asked, {runs:,} times for each story, at {looks} looks. Below some 2,000 subscribers the exact
sequence counts, and the asymptotic one from then on. The usual interval is one that is right at one look (Wald).
"""

type Results = Mapping[str, Any]
type Figure = Mapping[str, Any]


def build_outcomes_report(results: Results) -> str:
    """Return the whole page."""
    days = ", ".join(str(day) for day in results["looks"])
    targets = {"last": _write_share(TARGET_LAST), "every": _write_share(TARGET_EVERY)}
    head = HEAD.format(**results, enrol=ENROL_DAYS, horizon=HORIZON_DAYS, days=days, **targets)
    return "\n".join([head, *build_outcomes_tables(results)])


def build_outcomes_tables(results: Results) -> list[str]:
    """Return what was measured of the effect, the advice, the models and the shares."""
    coverage = ["the truth is in it at the last look", "at every look"]
    return [
        "## The effect of the banner, in percentage points\n",
        build_table(
            ["scenario", "experiment", "true effect", "measured, mean", *coverage, "mean width"],
            [
                [name, figure["which"], *_describe_values(figure, _write_points), *_describe_coverage(figure, _points)]
                for name, figure in _list_figures(results, EFFECT)
            ],
        ),
        *_build_effect_tables(results),
        f"## The advice; without an effect at most {_write_share(results['alpha'])} of the runs may get one\n",
        build_table(
            ["scenario", "keep, ever", "stop, ever", "hold at the last look"],
            [
                [
                    scenario["name"],
                    _write_share(scenario["advice"]["keep"]["ever"]),
                    _write_share(scenario["advice"]["stop"]["ever"]),
                    _write_share(scenario["advice"]["hold"]["last"]),
                ]
                for scenario in results["scenarios"]
            ],
        ),
        "## The models: these intervals claim one look, and the column of every look shows why\n",
        build_table(
            ["scenario", "figure", "shown", "truth", "measured, mean", *coverage, "mean width"],
            [
                [
                    name,
                    figure["figure"],
                    _write_share(figure["shown"]),
                    *_describe_values(figure, _write_figure),
                    *_describe_coverage(figure, _write_figure),
                ]
                for name, figure in _list_figures(results, AUC, AUC_UNTREATED, LIFT)
            ],
        ),
        f"The lift is that of the top {_write_share(TOP)}.\n",
        "## Calibration and acceptance, in percentage points: of ten bins the one that holds least\n",
        build_table(
            ["scenario", "figure", *coverage, "mean width"],
            [
                [name, figure["figure"], *_describe_coverage(figure, _points)]
                for name, figure in _list_least(results, CALIBRATION, ACCEPTANCE)
            ],
        ),
        "## Below the target\n",
        "\n".join(list_missed(results)) or "Nothing.",
        "",
    ]


def _build_effect_tables(results: Results) -> list[str]:
    """Return what was asked of many people: how often the effect's interval holds, and how wide it is."""
    stories = results.get("effects", [])
    if not stories:
        return []
    looks = stories[0]["looks"]
    return [
        "## The effect among many subscribers\n",
        EFFECT_HEAD.format(runs=stories[0]["runs"], looks=len(looks)),
        build_table(
            ["story", "true effect", "the truth is in it at every look", "in the usual interval"],
            [
                [
                    story["name"],
                    _write_points(story["truth"]),
                    "{} ({} to {})".format(*map(_write_share, story["every_look"])),
                    _write_share(story["usual_every_look"]),
                ]
                for story in stories
            ],
        ),
        "Half of the interval's width in points, mean; in brackets that of the exact sequence:\n",
        build_table(
            ["story", *(f"{look['subscribers']:,} subscribers" for look in looks)],
            [
                [
                    story["name"],
                    *(
                        f"{_points(look['half_width'])} ({_points(look['exact_half_width'])})"
                        for look in story["looks"]
                    ),
                ]
                for story in stories
            ],
        ),
    ]


def list_missed(results: Results) -> list[str]:
    """Return a line for each figure whose interval held less often than it should."""
    kinds = (EFFECT, AUC, AUC_UNTREATED, LIFT, CALIBRATION, ACCEPTANCE)
    missed = [
        f"- {story['name']}, of many subscribers: {_write_share(story['every_look'][0])} at every look"
        for story in results.get("effects", [])
        if story["every_look"][0] < TARGET_EFFECT
    ]
    for name, figure in _list_figures(results, *kinds):
        title = f"- {name}, {figure['figure']} {figure['which']}".rstrip()
        last, every = figure["last"]["share"], figure["every"]["share"]
        if last is not None and last < TARGET_LAST:
            missed.append(f"{title}: {_describe_share(figure['last'])} at the last look")
        if figure["every_look"] and every is not None and every < TARGET_EVERY:
            missed.append(f"{title}: {_describe_share(figure['every'])} at every look")
    return missed


def _list_figures(results: Results, *kinds: str) -> Iterator[tuple[str, Figure]]:
    for scenario in results["scenarios"]:
        for figure in sorted(scenario["figures"], key=lambda figure: _order(kinds, figure)):
            if figure["figure"] in kinds:
                yield scenario["name"], figure


def _order(kinds: tuple[str, ...], figure: Figure) -> int:
    return kinds.index(figure["figure"]) if figure["figure"] in kinds else len(kinds)


def _list_least(results: Results, *kinds: str) -> Iterator[tuple[str, Figure]]:
    """Return of each kind the figure that holds least often."""
    for scenario in results["scenarios"]:
        for kind in kinds:
            own = [figure for figure in scenario["figures"] if figure["figure"] == kind]
            if own:
                yield scenario["name"], min(own, key=lambda figure: figure["every"]["share"])


def _describe_values(figure: Figure, write: Callable[[float], str]) -> list[str]:
    return ["-" if figure[name] is None else write(figure[name]) for name in ("truth", "value")]


def _describe_coverage(figure: Figure, write: Callable[[float], str]) -> list[str]:
    width = "-" if figure["width"] is None else write(figure["width"])
    return [_describe_share(figure["last"]), _describe_share(figure["every"]), width]


def _describe_share(share: Mapping[str, float | None]) -> str:
    if share["share"] is None or share["low"] is None or share["high"] is None:
        return "-"
    return f"{_write_share(share['share'])} ({_write_share(share['low'])} to {_write_share(share['high'])})"


def _write_share(share: float) -> str:
    return f"{100 * share:.1f} %"


def _write_points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _write_figure(figure: float) -> str:
    return f"{figure:.3f}"
