"""What is kept of one person, in tables: for the terminal, and as a page that they can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from churn.cli.show import format_time

if TYPE_CHECKING:
    from churn.dashboard.report import Report, Table
    from churn.outcomes.changes import Change
    from churn.prediction_log.record import Record

# ruff: noqa: PLC0415 - what draws is an extra

type Columns = tuple[list[str], list[list[Any]]]
# The portal's tables, as a person would call them.
AT_PORTAL = {
    "subscribers": "What the portal knows of you",
    "exposures": "What the portal showed you",
    "responses": "What you did about it",
    "accepted_offers": "The offer that you accepted last",
}
# What its columns are called; others are called by their name.
PORTAL_COLUMNS = {"at": "when", "kind": "what", "arm": "group", "offer": "offer"}


class Kept(NamedTuple):
    """All that was found.

    Args:
        records: their predictions, each with what would have changed it.
        at_portal: rows by table; None if the portal was not reached.
        versions: sentences on the versions that were trained with them.
    """

    records: Sequence[tuple[Record, Change]]
    outcomes: Sequence[Mapping[str, Any]]
    at_portal: Mapping[str, Sequence[Mapping[str, Any]]] | None
    versions: Sequence[str]
    not_reached: Sequence[str]


def list_predictions(records: Sequence[Record]) -> Columns:
    """Return the columns and rows of what was decided, and why."""
    columns = ["when", "likelihood of leaving", "by", "because", "banner", "offer"]
    rows = [
        [
            format_time(record["time"] / 1e6),
            f"{record['probability']:.1%}",
            record["model_version"],
            "; ".join(record["reasons"]),
            _describe_banner(record),
            record["offer"] or "none",
        ]
        for record in records
    ]
    return columns, rows


def list_outcomes(outcomes: Sequence[Mapping[str, Any]]) -> Columns:
    """Return the columns and rows of what became known."""
    words = {True: "yes", False: "no", None: "not known"}
    return ["known by", "left", "accepted an offer"], [
        [outcome["kind"].replace("_", " "), words[outcome["left"]], words[outcome["accepted"]]] for outcome in outcomes
    ]


def describe_change(record: Record, change: Change) -> str:
    """Say in a sentence what would have changed a prediction."""
    if change.unknown or change.probability is None:
        return f"Not known: {change.unknown}."
    if not change.moved:
        return "None of its reasons raised it."
    others = "; ".join(f"“{moved.instead_in_words}” in place of “{moved.was_in_words}”" for moved in change.moved)
    said = f"With {others} it would have been {change.probability:.1%} in place of {record['probability']:.1%}"
    if record["banner"] and change.probability <= record["threshold"]:
        said += ", and there would have been no banner"
    return f"{said}."


def build_page(kept: Kept) -> Report:
    """Return the page for the person."""
    from churn.dashboard.report import Table, report_figures

    records = [record for record, _ in kept.records]
    changes = [[format_time(record["time"] / 1e6), describe_change(record, change)] for record, change in kept.records]
    tables = [
        Table("What was predicted and decided, and why", *list_predictions(records)),
        Table("What would have changed it", ["when", "with other values"], changes),
        Table("What became known later", *list_outcomes(kept.outcomes)),
        *_list_portal(kept),
        Table("Models that learned from your data", ["what is known"], [[line] for line in kept.versions]),
        Table("Where else to ask", ["not in this page"], [[place] for place in kept.not_reached]),
        *(_list_values(record) for record in records),
    ]
    return report_figures(
        "What is kept about you",
        f"{len(records)} predictions, {len(kept.outcomes)} outcomes",
        [],
        [table for table in tables if table.rows],
        lead="Each prediction is how likely you were to end your subscription. Below stands why it came out so, what "
        "was decided, and what it would have been with other values.",
        basis="Beside the predictions your key is kept as a hash only.",
    )


def _describe_banner(record: Record) -> str:
    if not record["banner"]:
        return f"none: not above {record['threshold']:g}"
    if record["arm"] == "holdout":
        return "none: in the group that is shown none, to measure what the banner does"
    return "shown, with " + (", ".join(record["shown_reasons"]) or "no reasons")


def _list_portal(kept: Kept) -> list[Table]:
    from churn.dashboard.report import Table

    tables = []
    for name, title in AT_PORTAL.items():
        rows = (kept.at_portal or {}).get(name, [])
        columns = [column for column in (rows[0] if rows else ()) if column not in {"key", "subscriber", "number"}]
        shown = [PORTAL_COLUMNS.get(column, column.replace("_", " ")) for column in columns]
        tables.append(Table(title, shown, [[_write_cell(row.get(column)) for column in columns] for row in rows]))
    return tables


def _write_cell(value: Any) -> str:
    """Write a value of the portal's as somebody would read it."""
    match value:
        case None:
            return "none"
        case dict():
            return "; ".join(f"{name.replace('_', ' ')}: {_write_cell(inner)}" for name, inner in value.items())
        case list():
            return ", ".join(map(_write_cell, value))
        case bool():
            return "yes" if value else "no"
    return str(value)


def _list_values(record: Record) -> Table:
    from churn.dashboard.report import Table
    from churn.prediction_log.record import CONTRIBUTION, FEATURE

    names = [name.removeprefix(FEATURE) for name in record if name.startswith(FEATURE)]
    rows = [
        [name.replace("_", " "), f"{record[FEATURE + name]:g}", f"{record[CONTRIBUTION + name]:+.4f}"]
        for name in names
        if record[FEATURE + name] is not None
    ]
    when = format_time(record["time"] / 1e6)
    return Table(f"What went in on {when}", ["what", "value", "raised (+) or lowered (-) it, in log-odds"], rows)
