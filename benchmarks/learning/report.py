"""The report on what learning earns where the truth is known, as Markdown. The same results give the same page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.learning.curve import UNGATED
from benchmarks.learning.rules import ASSUMPTIONS, BAD, GOOD, ORACLE, UPLIFT
from benchmarks.report import build_table

HEAD = """\
<!-- Made by scripts/learning-demo --full from simulation.json; edit benchmarks/learning/report.py instead. -->

# What learning earns where the truth is known

{worlds} invented worlds were played for {months} months, from seed {seed} on. {a_month:,} subscribers above the
threshold come for the first time each month. Scores and reasons are those of a real bundle. What became of them is
known two months after the month's end. A tenth is held out. For {share:.0%} of the others a lot decides, in all rules
that learn.

The truth is invented. An offer changes the log-odds of leaving by how well it fits, and by something that no field
tells. Strengths and acceptance differ from the assumptions. 14 % are harmed by contact. Those who leave have used up a
quarter of what they accepted. So the order of the rules means something, and the dollars do not. Every dollar rests on
an assumed margin and on assumed months kept. [The loop's page](../learning.md) says what each rule does.

In brackets are 95 % intervals over the worlds (bootstrap). Money is against showing nobody anything.
"""
GATE = """\
The gate of the uplift opened in {opened:.0%} of the worlds within the year. With it, a firm earned {more} more than by
re-estimates alone.

![Share of the oracle's gain](simulation.svg)

## By how much is logged

Each rule learns once from a log of the assumptions' policy. Then it decides for subscribers whom nobody has seen. The
table has the share of the oracle's gain over the assumptions. The oracle also knows what no field tells.
"""
FULL_SIZE: Final = 500_000
TARGETS: Final = {BAD: 0.35, GOOD: 0.40}
OF_FIELDS: Final = 0.9

type Results = Mapping[str, Any]


def build_learning_report(results: Results) -> str:
    """Return the whole page."""
    return "\n".join([HEAD.format(**results), *build_learning_tables(results)])


def build_learning_tables(results: Results) -> list[str]:
    """Return what the year brought, and the curve by size."""
    return [
        "## A year\n",
        build_table(
            ["rule", "money", "minus the assumptions", "better in", "of the oracle's gain", "leavers caused"],
            [_write_line(line) for line in results["year"]],
        ),
        GATE.format(
            opened=results["gate_opened"], more=_write_thousands(_find(results["year"], UPLIFT)["minus_estimates"])
        ),
        build_table(
            ["rule", *(f"{size['visitors']:,} visitors, {size['worlds']} worlds" for size in results["curve"])],
            [
                [name, *(_write_share(_find(size["rules"], name)["of_oracle"]) for size in results["curve"])]
                for name in _list_rules(results)
            ],
        ),
        "## Beside the targets\n",
        "\n".join(list_targets(results)),
        "",
    ]


def list_targets(results: Results) -> Iterator[str]:
    """Return a line for each target, and whether it is reached."""
    for name, target in TARGETS.items():
        share = _find(results["year"], name)["of_oracle"]
        yield (
            f"- {name}: {_write_share(share)} of the oracle's gain in the year, of at least {target}. "
            f"{_judge(share['value'] >= target)}"
        )
    less = _find(results["year"], UPLIFT)["minus_estimates"]
    yield (
        "- the gated uplift is not worse than re-estimates by more than its interval: "
        f"{_write_thousands(less)}. {_judge(less['high'] >= 0)}"
    )
    for size in results["curve"]:
        if size["visitors"] == FULL_SIZE:
            share = _find(size["rules"], UNGATED)["of_fields"]
            yield (
                f"- uplift after {FULL_SIZE:,} visitors: {_write_share(share)} of what the fields allow, of at least "
                f"{OF_FIELDS}. {_judge(share['value'] >= OF_FIELDS)}"
            )


def _judge(reached: bool) -> str:  # noqa: FBT001 - it says what it judges
    return "Reached." if reached else "**Missed.**"


def _list_rules(results: Results) -> list[str]:
    return [line["rule"] for line in results["curve"][0]["rules"] if line["rule"] not in {ASSUMPTIONS, ORACLE}]


def _find(lines: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(line for line in lines if line["rule"] == name)


def _write_line(line: Mapping[str, Any]) -> list[str]:
    is_base = line["rule"] == ASSUMPTIONS
    money, low, high = (line["money"][part] / 1e3 for part in ("value", "low", "high"))
    return [
        line["rule"],
        f"${money:,.0f}k ({low:,.0f} to {high:,.0f})",
        "" if is_base else _write_thousands(line["minus_assumptions"]),
        "" if is_base else f"{line['better']:.0%}",
        "" if line["rule"] in {ASSUMPTIONS, ORACLE} else _write_share(line["of_oracle"]),
        f"{line['leavers_caused']:,.0f}",
    ]


def _write_thousands(estimate: Mapping[str, float]) -> str:
    value, low, high = (estimate[part] / 1e3 for part in ("value", "low", "high"))
    return f"{value:+,.0f}k ({low:+,.0f} to {high:+,.0f})"


def _write_share(estimate: Mapping[str, float]) -> str:
    return f"{estimate['value']:.2f} ({estimate['low']:.2f} to {estimate['high']:.2f})"
