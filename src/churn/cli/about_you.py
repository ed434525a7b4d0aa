"""What is kept of one person, in tables: for the terminal, and as a page that they can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from churn.businesses import find_specs
from churn.cli.reported import list_events
from churn.cli.show import format_time

if TYPE_CHECKING:
    from churn.contract.features import FeatureSpec
    from churn.dashboard.report import Report, Table
    from churn.outcomes.changes import Change
    from churn.prediction_log.banner_events import BannerEvent
from churn.prediction_log.record import Record
from churn.retention.offers.actions import NOTHING

# ruff: noqa: PLC0415 - what draws is an extra

type Row = Mapping[str, Any]
type Columns = tuple[list[str], list[list[Any]]]
SHOWN = {
    "exposure": "a banner",
    "holdout": "nothing, to measure what banners do",
    "nothing_to_show": "nothing, as no reason could be shown",
}
DONE = {
    "acceptance": "accepted the offer",
    "dismissal": "dismissed the banner",
    "helpful": "said that it helps",
    "not_helpful": "said that it does not help",
    "opt_out": "turned offers off",
}
GROUPS = {"treatment": "may be shown banners", "holdout": "is shown none, to measure what banners do"}
ACTIONS = {"nothing": "nothing", "banner alone": "a banner without an offer"}
# The portal's tables as a person would read them: what they are called, and their columns.
AT_PORTAL: Mapping[str, tuple[str, Mapping[str, Callable[[Row], object]]]] = {
    "subscribers": (
        "What the portal knows of you",
        {
            "facts": lambda row: _write_cell(row["facts"]),
            "wants offers": lambda row: "yes" if row["wants_offers"] else "no",
        },
    ),
    "exposures": (
        "What the portal showed you",
        {
            "when": lambda row: _write_time(row["at"]),
            "what": lambda row: SHOWN.get(row["kind"], row["kind"]),
            "because of": lambda row: ", ".join(map(_write_code, row["reason_codes"])) or "nothing",
            "offer": lambda row: (row["offer"] or {}).get("title", "none"),
        },
    ),
    "responses": (
        "What you did about it",
        {"when": lambda row: _write_time(row["at"]), "what": lambda row: DONE.get(row["kind"], row["kind"])},
    ),
    "accepted_offers": (
        "The offer that you accepted last",
        {
            "accepted on": lambda row: row["accepted_on"],
            "counts until": lambda row: row["active_until"],
            "offer": lambda row: row["offer"].get("title", ""),
        },
    ),
}


class Kept(NamedTuple):
    """All that was found.

    Args:
        records: their predictions, each with what would have changed it.
        events: what portals reported of their banners.
        at_portal: rows by table; None if the portal was not reached.
        versions: by contract and by what is known of them; None if nobody could be asked.
    """

    records: Sequence[tuple[Record, Change]]
    events: Sequence[BannerEvent]
    outcomes: Sequence[Mapping[str, Any]]
    at_portal: Mapping[str, Sequence[Mapping[str, Any]]] | None
    versions: Mapping[str, Mapping[str, Sequence[str]]] | None


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


def list_decisions(records: Sequence[Record]) -> Columns:
    """Return the columns and rows of what each decision on a banner rested on, where the record says so."""
    columns = ["when", "by the rules", "experiment", "your group", "your last offer", "which try it was"]
    rows = [
        [
            format_time(record["time"] / 1e6),
            record["policy_version"],
            f"{record['experiment']}, {record['holdout_share']:.0%} shown no banner",
            GROUPS.get(record["arm"], "none"),
            record["last_offer"] or "not told",
            record["attempt"] or "not told",
        ]
        for record in records
        if record["policy_sha256"]
    ]
    return columns, rows


def list_actions(records: Sequence[Record]) -> Columns:
    """Return the columns and rows of what could have been done, where the record says so."""
    columns = ["when", "what could have been done", "expected to be worth to us, in our currency", "how likely it was"]
    rows = [
        [format_time(record["time"] / 1e6), ACTIONS.get(action, f"offer {action}"), f"{value:+.2f}", f"{likely:.1%}"]
        for record in records
        for action, value, likely in zip(
            record["actions"], record["action_values"], record["action_propensities"], strict=True
        )
        if record["banner"] or record["action"]
    ]
    return columns, rows


def list_outcomes(outcomes: Sequence[Mapping[str, Any]]) -> Columns:
    """Return the columns and rows of what became known."""
    words = {True: "yes", False: "no", None: "not known"}
    return ["known by", "left", "on", "accepted an offer", "it has cost", "watched until"], [
        [
            outcome["kind"].replace("_", " "),
            words[outcome["left"]],
            outcome["left_on"] or "",
            words[outcome["accepted"]],
            "" if outcome["paid"] is None else f"{outcome['paid']:.2f}",
            outcome["watched_until"] or "",
        ]
        for outcome in outcomes
    ]


def build_page(kept: Kept) -> Report:
    """Return the page for the person."""
    from churn.dashboard.report import Table, report_figures
    from churn.outcomes.changes import describe_change

    records = [record for record, _ in kept.records]
    changes = [[format_time(record["time"] / 1e6), describe_change(record, change)] for record, change in kept.records]
    tables = [
        Table("What was predicted and decided, and why", *list_predictions(records)),
        Table("How it was decided", *list_decisions(records)),
        Table("What could have been done", *list_actions(records)),
        Table("What would have changed it", ["when", "with other values"], changes),
        Table("What was reported of your banners", *list_events(kept.events)),
        Table("What became known later", *list_outcomes(kept.outcomes)),
        *_list_portal(kept),
        Table("Models that learned from your data", ["model", "from yours"], list(_list_versions(kept.versions))),
        Table("What this page lacks", ["what", "why"], list(_list_lacking(kept))),
        *(_list_values(number, record) for number, record in enumerate(records, start=1)),
    ]
    return report_figures(
        "What is kept about you",
        f"{_count(len(records), 'prediction')}, {_count(len(kept.outcomes), 'outcome')}",
        [],
        [table for table in tables if table.rows],
        lead="Each prediction is how likely you were to end your subscription. Below stands why it came out so, what "
        "was decided, and what it would have been with other values. The model says so; what you "
        "would have done, nobody knows.",
        basis="Beside the predictions your key is kept as a hash only. Backups hold the same, until they are let go.",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _list_versions(versions: Mapping[str, Mapping[str, Sequence[str]]] | None) -> Iterator[list[str]]:
    for contract, kinds in (versions or {}).items():
        yield from ([f"{contract} {version}", "yes"] for version in kinds["trained_with"])
        yield from ([f"{contract} {version}", "maybe, by a prediction"] for version in kinds.get("with_log", ()))
        yield from ([f"{contract} {version}", "nobody knows"] for version in kinds["unknown"])


def _list_lacking(kept: Kept) -> Iterator[list[str]]:
    if kept.at_portal is None:
        yield ["what the portal keeps of you", "it was not reached"]
    if kept.versions is None:
        yield ["whether models learned from your data", "the list of models was not reached"]


def _describe_banner(record: Record) -> str:
    if not record["banner"] and record["action"] is None:
        return f"none: not above {record['threshold']:g}"
    if record["arm"] == "holdout":
        withheld = f"; else the offer {record['withheld_offer']}" if record["withheld_offer"] else ""
        return f"none: in the group that is shown none, to measure what the banner does{withheld}"
    by_lot = record["decided_by"] == "explore"
    if record["action"] == NOTHING and record["withheld_reasons"]:
        return "none: drawn by lot, to learn what helps" if by_lot else "none: no offer was worth it"
    drawn = "; drawn by lot, to learn what helps" if by_lot else ""
    return "shown, with " + (", ".join(map(_write_code, record["shown_reasons"])) or "no reasons") + drawn


def _list_portal(kept: Kept) -> list[Table]:
    from churn.dashboard.report import Table

    tables = []
    for name, (title, columns) in AT_PORTAL.items():
        rows = (kept.at_portal or {}).get(name, [])
        cells = [[_write_part(write, row) for write in columns.values()] for row in rows]
        tables.append(Table(title, [*columns], cells))
    return tables


def _write_part(write: Callable[[Row], object], row: Row) -> str:
    """Write a cell. A portal of another version may send another row, which is shown as it is."""
    try:
        return str(write(row))
    except (KeyError, TypeError, ValueError, AttributeError):
        return _write_cell(row)


def _write_time(text: str) -> str:
    return format_time(datetime.fromisoformat(text).timestamp())


def _write_code(code: str) -> str:
    """Write a reason's code, such as `tenure.short`, in words."""
    return code.replace(".", ": ").replace("_", " ")


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
        case float():
            return f"{value:g}"
    return str(value)


def _list_values(number: int, record: Record) -> Table:
    """List what went into a prediction, as the contract writes it, and what each value added."""
    from churn.dashboard.report import Table
    from churn.prediction_log.record import CONTRIBUTION, FEATURE

    specs = find_specs(record["contract"])
    names = [name.removeprefix(FEATURE) for name in record if name.startswith(FEATURE)]
    rows = [
        [_write_name(name, specs), _write_value(specs.get(name), record[FEATURE + name]), _write_effect(record, name)]
        for name in names
        if record[CONTRIBUTION + name] is not None
    ]
    when = format_time(record["time"] / 1e6)
    columns = ["what", "value", "raised (+) or lowered (-) it, in log-odds"]
    return Table(f"What went in, prediction {number} on {when}", columns, rows)


def _write_name(name: str, specs: Mapping[str, FeatureSpec]) -> str:
    return specs[name].label if name in specs else name.replace("_", " ")


def _write_effect(record: Record, name: str) -> str:
    from churn.prediction_log.record import CONTRIBUTION

    return f"{record[CONTRIBUTION + name]:+.4f}"


def _write_value(spec: FeatureSpec | None, encoded: float | None) -> str:
    """Write an encoded value. One that the contract of today does not know is shown as the model got it."""
    if encoded is None:
        return "not known"
    try:
        return spec.name_value(spec.decode(encoded)) if spec else _write_cell(encoded)
    except (ValueError, IndexError):
        return f"{encoded:g}, as the model got it"
