"""The SQLite tables of rollouts, and rollouts and events as their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from pydantic import TypeAdapter

from churn.judging.counts import Counts
from churn.rollout.plan import Plan
from churn.rollout.routers.router import Track
from churn.rollout.state import Event, Rollout, Setup, State
from churn.rollout.step_counts import StepCounts

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS rollout (
    number INTEGER PRIMARY KEY, service TEXT NOT NULL, stable TEXT NOT NULL, canary TEXT NOT NULL, plan TEXT NOT NULL,
    place TEXT NOT NULL, state TEXT NOT NULL, step INTEGER NOT NULL, weight_percent INTEGER NOT NULL,
    since REAL NOT NULL, reason TEXT NOT NULL, began REAL NOT NULL, ends_as TEXT,
    tallies TEXT NOT NULL, reference TEXT NOT NULL, ended REAL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_at_a_time ON rollout (service) WHERE ended IS NULL;
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY, rollout INTEGER NOT NULL REFERENCES rollout, at REAL NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, step INTEGER NOT NULL, weight_percent INTEGER NOT NULL, decision TEXT, reason TEXT NOT NULL,
    evidence TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS history ON event (rollout, number);
CREATE TABLE IF NOT EXISTS wish (
    number INTEGER PRIMARY KEY, rollout INTEGER NOT NULL REFERENCES rollout, what TEXT NOT NULL, reason TEXT NOT NULL,
    at_any_hour INTEGER NOT NULL, taken INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
# The columns that are called otherwise than the fields of a rollout.
COLUMNS = {"setup": "place", "counts": "tallies", "stable_before": "reference"}

_SETUP = TypeAdapter(Setup)
_COUNTS = TypeAdapter(Counts)
_TRACK_COUNTS: TypeAdapter[dict[Track, StepCounts]] = TypeAdapter(dict[Track, StepCounts])


def columns_from_rollout(rollout: Rollout) -> dict[str, Any]:
    """Return a rollout as the columns of its row, without its number."""
    values = _values(rollout) | {
        "plan": rollout.plan.model_dump_json(by_alias=True),
        "setup": json.dumps(asdict(rollout.setup)),
        "state": str(rollout.state),
        "ends_as": str(rollout.ends_as) if rollout.ends_as else None,
        "counts": _TRACK_COUNTS.dump_json(dict(rollout.counts)).decode(),
        "stable_before": _COUNTS.dump_json(rollout.stable_before).decode(),
    }
    return {COLUMNS.get(name, name): value for name, value in values.items()}


def rollout_from_row(row: Mapping[str, Any]) -> Rollout:
    """Return the rollout of a row."""
    values = {field.name: row[COLUMNS.get(field.name, field.name)] for field in fields(Rollout)}
    return Rollout(
        **values
        | {
            "plan": Plan.model_validate_json(values["plan"]),
            "setup": _SETUP.validate_json(values["setup"]),
            "state": State(values["state"]),
            "ends_as": State(values["ends_as"]) if values["ends_as"] else None,
            "counts": _TRACK_COUNTS.validate_json(values["counts"]),
            "stable_before": _COUNTS.validate_json(values["stable_before"]),
        }
    )


def columns_from_event(event: Event) -> dict[str, Any]:
    """Return an event as the columns of its row, without its number."""
    return _values(event) | {"state": str(event.state), "evidence": json.dumps(dict(event.evidence))}


def event_from_row(row: Mapping[str, Any]) -> Event:
    """Return the event of a row."""
    values = {field.name: row[field.name] for field in fields(Event)}
    return Event(**values | {"state": State(values["state"]), "evidence": json.loads(values["evidence"])})


def _values(record: Rollout | Event) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record) if field.name != "number"}
