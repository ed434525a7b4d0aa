"""The SQLite tables of rollouts, and rollouts and events as their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from churn.rollout.state import Event, Rollout, State

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
# The column of each field of a rollout that has another name, or holds JSON.
COLUMNS = {"setup": "place", "counts": "tallies", "stable_before": "reference"}
JSON_FIELDS = {"plan", *COLUMNS}

_ROLLOUT = TypeAdapter(Rollout)


def columns_from_rollout(rollout: Rollout) -> dict[str, Any]:
    """Return a rollout as the columns of its row, without its number."""
    values = _ROLLOUT.dump_python(rollout, mode="json", by_alias=True, exclude={"number"})
    return {
        COLUMNS.get(name, name): json.dumps(value) if name in JSON_FIELDS else value for name, value in values.items()
    }


def rollout_from_row(row: Mapping[str, Any]) -> Rollout:
    """Return the rollout of a row."""
    values = {field.name: row[COLUMNS.get(field.name, field.name)] for field in fields(Rollout)}
    return _ROLLOUT.validate_python(values | {name: json.loads(values[name]) for name in JSON_FIELDS})


def columns_from_event(event: Event) -> dict[str, Any]:
    """Return an event as the columns of its row, without its number."""
    values = {field.name: getattr(event, field.name) for field in fields(Event) if field.name != "number"}
    return values | {"state": str(event.state), "evidence": json.dumps(dict(event.evidence))}


def event_from_row(row: Mapping[str, Any]) -> Event:
    """Return the event of a row."""
    values = {field.name: row[field.name] for field in fields(Event)}
    return Event(**values | {"state": State(values["state"]), "evidence": json.loads(values["evidence"])})
