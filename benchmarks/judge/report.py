"""The report on how well the judge judges, as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.judge.guardrails import OUTSIDE, WITHIN
from benchmarks.judge.rivals import LEVEL, RIVALS
from benchmarks.judge.rollouts import WEIGHTS
from benchmarks.judge.simulation import (
    GROWTH,
    LOOK,
    PAIRS_WITHIN,
    PROMOTE,
    ROLLBACK,
    SHADOW_OUTSIDE,
    SHADOW_WITHIN,
)
from benchmarks.report import build_table

IN_PAIRS = {
    PAIRS_WITHIN: "surely within, canary of 10 %",
    SHADOW_WITHIN: "surely within, challenger of all requests",
    SHADOW_OUTSIDE: "surely outside, challenger",
}

HEAD = """\
<!-- Made by scripts/bench --judge from simulation.json; edit benchmarks/judge/report.py instead. -->

# How well the judge judges

Each scenario was run {runs:,} times with seed {seed}. The judge had {looks} looks: one after every {look} requests,
later one after every {growth:g} % more. In brackets are 95 % intervals (Clopper and Pearson). The canary has 10 %, and
each subscriber asks once, where nothing else is said. [The judge](../judge.md) says what this means.
"""

type Results = Mapping[str, Any]


def build_judge_report(results: Results) -> str:
    """Return the whole page."""
    head = HEAD.format(**results, look=LOOK, growth=100 * GROWTH)
    return "\n".join([head, *build_judge_tables(results)])


def build_judge_tables(results: Results) -> list[str]:
    """Return what the judge did, what pairs alone told, and what the rivals would have done."""
    verdicts = [
        [
            scenario["name"],
            scenario["should"],
            *_describe_verdict(scenario["methods"][ROLLBACK]),
            *_describe_verdict(scenario["methods"][PROMOTE]),
        ]
        for scenario in results["scenarios"]
    ]
    alarms = [
        [scenario["name"], *(_describe_alarm(scenario["methods"][name]) for name in RIVALS)]
        for scenario in results["scenarios"]
    ]
    pairs = [
        [scenario["name"], *(_describe_alarm(scenario["methods"][name]) for name in IN_PAIRS)]
        for scenario in results["scenarios"]
    ]
    until, head = "requests until then: median, 90 %", ["scenario", "should"]
    return [
        f"## The judge, {results['runs']:,} runs of each, up to {results['requests']:,} requests\n",
        build_table([*head, "rolled back", until, "promoted", "requests: median, 90 %"], verdicts),
        *_build_rollouts(results.get("rollouts", [])),
        *_build_guardrails(results.get("guardrails", [])),
        "## Scores, banners, tiers and reasons in pairs: runs, requests until then (median)\n",
        build_table(["scenario", *IN_PAIRS.values()], pairs),
        f"## Others at the same looks, at {100 * LEVEL:g} % each: runs with an alarm, requests until then (median)\n",
        build_table(["scenario", *RIVALS], alarms),
    ]


def _build_rollouts(rollouts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rollouts:
        return []

    def describe(figures: Mapping[str, Any]) -> tuple[str, str, str]:
        promoted, sent_back = figures["promoted"], figures["sent_back"]
        until = [", ".join(f"{count:,}" for count in end["requests"] if count) or "-" for end in (promoted, sent_back)]
        shares = [f"{100 * end['runs'] / figures['runs']:.1f} %" for end in (promoted, sent_back)]
        canary = f"{sent_back['canary_requests']:,}" if sent_back["canary_requests"] else "-"
        return f"{shares[0]}: {until[0]}", f"{shares[1]}: {until[1]}", canary

    rows = [[figures["name"], figures["should"], figures["rule"], *describe(figures)] for figures in rollouts]
    until, steps = "requests: median, 90 %", ", ".join(f"{100 * weight:g} %" for weight in WEIGHTS)
    head = ["scenario", "should", "judged", f"promoted, {until}", f"sent back, {until}", "of the canary until then"]
    return [
        f"## Whole rollouts at {steps}, {rollouts[0]['runs']:,} runs of each, up to {rollouts[0]['most']:,} requests\n",
        "Errors, latency and refusals are judged. *Each step anew* forgets at each step what the one before showed.\n",
        build_table(head, rows),
    ]


def _build_guardrails(guardrails: Sequence[Mapping[str, Any]]) -> list[str]:
    if not guardrails:
        return []
    rows = [
        [
            figures["check"],
            figures["name"],
            figures["should"],
            *(_describe_end(figures, name) for name in (OUTSIDE, WITHIN)),
            figures["counted"],
        ]
        for figures in guardrails
    ]
    head = ["guardrail", "scenario", "should", f"{OUTSIDE}, after (median)", f"{WITHIN}, after (median)", "after what"]
    return [f"## Guardrails, {guardrails[0]['runs']:,} runs of each\n", build_table(head, rows)]


def _describe_end(figures: Mapping[str, Any], name: str) -> str:
    median = figures["median"][name]
    return f"{figures['ended'][name]:,}" + (f", {median:,}" if median else "")


def _describe_verdict(figures: Mapping[str, Any]) -> tuple[str, str]:
    share, low, high = (f"{100 * figures[name]:.1f} %" for name in ("share", "share_low", "share_high"))
    requests = (figures["requests_median"], figures["requests_90"])
    until = ", ".join("-" if count is None else f"{count:,}" for count in requests) if any(requests) else "-"
    return f"{share} ({low} to {high})", until


def _describe_alarm(figures: Mapping[str, Any]) -> str:
    median = figures["requests_median"]
    return f"{100 * figures['share']:.1f} %" + ("" if median is None else f", {median:,}")
