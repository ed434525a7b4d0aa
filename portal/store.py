"""The portal's memory, an SQLite file. Every method is one short transaction; any thread may call it."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from portal.database import Database
from portal.records import AcceptedOffer, BannerHistory, DemoSubscriber, Exposure, ResponseKind

JSON_COLUMNS = {"facts", "reason_codes", "offer"}
# Where rows about a subscriber stand, and how to find them. Rows that others refer to come last.
ROWS_OF_SUBSCRIBER = {
    "accepted_offers": "FROM accepted_offers WHERE subscriber = ?",
    "responses": "FROM responses WHERE prediction_id IN (SELECT prediction_id FROM exposures WHERE subscriber = ?)",
    "exposures": "FROM exposures WHERE subscriber = ?",
    "subscribers": "FROM subscribers WHERE key = ?",
}


class Store:
    """Keep what was shown to whom, and what came of it. What is stored about known subscribers stays.

    People can be those subscribers only that were given: the file may have others, of another business.
    """

    def __init__(self, path: Path, subscribers: Iterable[DemoSubscriber]) -> None:
        self._database = Database(path)
        # What was shown and is not written yet: it can be accepted all the same.
        self.unwritten: dict[str, tuple[Exposure, datetime]] = {}
        subscribers = list(subscribers)
        self._keys = {who.key for who in subscribers}
        with self._database.transaction() as run:
            run.executemany(
                "INSERT INTO subscribers (key, number, title, about, facts) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) "
                "DO UPDATE SET number = excluded.number, title = excluded.title, about = excluded.about, "
                "facts = excluded.facts",
                [(who.key, who.number, who.title, who.about, json.dumps(who.facts)) for who in subscribers],
            )

    def close(self) -> None:
        """End the connection."""
        self._database.close()

    def list_subscribers(self) -> list[DemoSubscriber]:
        """Return all subscribers in the demo's order."""
        rows = self._database.query("SELECT * FROM subscribers ORDER BY number")
        return [_subscriber(row) for row in rows if row["key"] in self._keys]

    def find_subscriber(self, key: str) -> DemoSubscriber | None:
        """Return the subscriber with this key."""
        rows = self._database.query("SELECT * FROM subscribers WHERE key = ?", key) if key in self._keys else []
        return _subscriber(rows[0]) if rows else None

    def set_wants_offers(self, key: str, *, wants: bool) -> None:
        """Record whether a subscriber wants to be shown offers."""
        with self._database.transaction() as run:
            run.execute("UPDATE subscribers SET wants_offers = ? WHERE key = ?", (wants, key))

    def read_history(self, key: str) -> BannerHistory:
        """Return what this subscriber did about earlier banners."""
        last = self._database.query(
            "SELECT max(responses.at) FILTER (WHERE responses.kind = 'dismissal') AS dismissed, "
            "max(responses.at) FILTER (WHERE responses.kind IN ('helpful', 'not_helpful')) AS opinion "
            "FROM responses JOIN exposures USING (prediction_id) WHERE subscriber = ?",
            key,
        )[0]
        accepted = self._database.query("SELECT * FROM accepted_offers WHERE subscriber = ?", key)
        return BannerHistory(
            _day(last["dismissed"]), _day(last["opinion"]), _accepted_offer(accepted[0]) if accepted else None
        )

    def record_exposure(self, exposure: Exposure, at: datetime) -> None:
        """Record what a prediction showed its subscriber. The same prediction again changes nothing."""
        with self._database.transaction() as run:
            _insert_exposure(run, exposure, at)

    def find_exposure(self, prediction_id: str, subscriber: str) -> Exposure | None:
        """Return what this prediction showed this subscriber; None if it is not theirs."""
        unwritten, _ = self.unwritten.get(prediction_id, (None, None))
        if unwritten:
            return unwritten if unwritten.subscriber == subscriber else None
        rows = self._database.query(
            "SELECT * FROM exposures WHERE prediction_id = ? AND subscriber = ?", prediction_id, subscriber
        )
        return _exposure(rows[0]) if rows else None

    def record_response(self, exposure: Exposure, kind: ResponseKind, at: datetime) -> bool:
        """Record what the subscriber did about a banner. Return False if that was recorded before."""
        with self._database.transaction() as run:
            self._insert_unwritten(run, exposure)
            return _insert_response(run, exposure, kind, at)

    def accept_offer(self, exposure: Exposure, at: datetime, *, active_until: date) -> bool:
        """Give the subscriber this exposure's offer, unless one still counts. Tell whether they have it only now."""
        today = at.date().isoformat()
        with self._database.transaction() as run:
            self._insert_unwritten(run, exposure)
            given = run.execute(
                "INSERT INTO accepted_offers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (subscriber) DO UPDATE SET "
                "prediction_id = excluded.prediction_id, accepted_on = excluded.accepted_on, "
                "active_until = excluded.active_until, language = excluded.language, offer = excluded.offer "
                "WHERE accepted_offers.active_until < excluded.accepted_on "
                "AND accepted_offers.prediction_id <> excluded.prediction_id",
                (
                    exposure.subscriber,
                    exposure.prediction_id,
                    today,
                    active_until.isoformat(),
                    exposure.language,
                    json.dumps(exposure.offer),
                ),
            )
            return given.rowcount == 1 and _insert_response(run, exposure, "acceptance", at)

    def count_events(self) -> list[dict[str, Any]]:
        """Count each kind of event and its subscribers, by policy and arm."""
        rows = self._database.query(
            "SELECT policy_version, arm, kind, sum(events) AS events, sum(subscribers) AS subscribers FROM ("
            "SELECT policy_version, arm, kind, count(*) AS events, count(DISTINCT subscriber) AS subscribers "
            "FROM events GROUP BY policy_version, arm, kind UNION ALL SELECT * FROM past_events) "
            "GROUP BY policy_version, arm, kind ORDER BY policy_version, arm, kind"
        )
        return [dict(row) for row in rows]

    def remove_before(self, at: datetime, *, accepted_before: date) -> int:
        """Remove what was shown before a time, and what was done about it; count it first. Return how many predictions.

        What somebody did later about a prediction keeps it. So does the offer that they accepted last, until it was
        accepted before that day and counts for no more bill.
        """
        day = accepted_before.isoformat()
        with self._database.transaction() as run:
            run.execute("DELETE FROM accepted_offers WHERE accepted_on < ? AND active_until < ?", (day, day))
            run.execute("CREATE TEMP TABLE IF NOT EXISTS old (prediction_id TEXT PRIMARY KEY)")
            run.execute("DELETE FROM old")
            run.execute(
                "INSERT INTO old SELECT prediction_id FROM exposures WHERE at < :at AND prediction_id NOT IN "
                "(SELECT prediction_id FROM responses WHERE at >= :at UNION SELECT prediction_id FROM accepted_offers)",
                {"at": _utc(at)},
            )
            # A subscriber counts once: with the last of their events of a kind.
            run.execute(
                "INSERT INTO past_events SELECT policy_version, arm, kind, count(*), count(DISTINCT subscriber) "
                "FILTER (WHERE NOT EXISTS (SELECT 1 FROM events AS kept WHERE kept.subscriber = events.subscriber "
                "AND kept.policy_version = events.policy_version AND kept.arm = events.arm AND kept.kind = events.kind "
                "AND kept.prediction_id NOT IN (SELECT prediction_id FROM old))) "
                "FROM events WHERE prediction_id IN (SELECT prediction_id FROM old) GROUP BY 1, 2, 3 "
                "ON CONFLICT DO UPDATE SET events = events + excluded.events, "
                "subscribers = subscribers + excluded.subscribers"
            )
            run.execute("DELETE FROM responses WHERE prediction_id IN (SELECT prediction_id FROM old)")
            gone = run.execute("DELETE FROM exposures WHERE prediction_id IN (SELECT prediction_id FROM old)")
            removed = gone.rowcount
            run.execute("DELETE FROM old")
        self._database.overwrite_deleted()  # also if nothing was removed: the last time it may have failed
        return removed

    def read_note(self) -> str | None:
        """Return what the latest removal left for the next one."""
        rows = self._database.query("SELECT note FROM removal")
        return str(rows[0]["note"]) if rows else None

    def keep_note(self, note: str) -> None:
        """Keep what this removal leaves for the next one."""
        with self._database.transaction() as run:
            run.execute("INSERT OR REPLACE INTO removal VALUES (1, ?)", (note,))

    def export_subscriber(self, key: str) -> dict[str, list[dict[str, Any]]]:
        """Return all rows about a subscriber, by table."""
        return {
            table: [_plain(row) for row in self._database.query(f"SELECT * {theirs}", key)]
            for table, theirs in ROWS_OF_SUBSCRIBER.items()
        }

    def erase_subscriber(self, key: str) -> dict[str, int]:
        """Remove all rows about a subscriber; return how many, by table. Nothing of them stays in the file."""
        with self._database.transaction() as run:
            rows = ROWS_OF_SUBSCRIBER.items()
            erased = {table: run.execute(f"DELETE {theirs}", (key,)).rowcount for table, theirs in rows}
        self._database.overwrite_deleted()
        return erased

    def _insert_unwritten(self, run: sqlite3.Connection, exposure: Exposure) -> None:
        if unwritten := self.unwritten.get(exposure.prediction_id):  # the other thread may write it meanwhile
            _insert_exposure(run, *unwritten)


def _insert_exposure(run: sqlite3.Connection, exposure: Exposure, at: datetime) -> None:
    encoded = {
        "at": _utc(at),
        "reason_codes": json.dumps(exposure.reason_codes),
        "offer": json.dumps(exposure.offer) if exposure.offer else None,
    }
    run.execute(
        "INSERT INTO exposures VALUES (:prediction_id, :subscriber, :at, :kind, :arm, :policy_version, "
        ":model_version, :reason_codes, :language, :offer) ON CONFLICT (prediction_id) DO NOTHING",
        asdict(exposure) | encoded,
    )


def _insert_response(run: sqlite3.Connection, exposure: Exposure, kind: ResponseKind, at: datetime) -> bool:
    done = run.execute(
        "INSERT INTO responses VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (exposure.prediction_id, kind, _utc(at))
    )
    return done.rowcount == 1


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    """Return a row with its JSON read."""
    values = dict(row)
    return values | {name: json.loads(values[name]) for name in JSON_COLUMNS & values.keys() if values[name]}


def _subscriber(row: sqlite3.Row) -> DemoSubscriber:
    facts, wants_offers = json.loads(row["facts"]), bool(row["wants_offers"])
    return DemoSubscriber(**{**dict(row), "facts": facts, "wants_offers": wants_offers})


def _exposure(row: sqlite3.Row) -> Exposure:
    columns = {name: value for name, value in dict(row).items() if name != "at"}
    columns["reason_codes"] = tuple(json.loads(row["reason_codes"]))
    columns["offer"] = json.loads(row["offer"]) if row["offer"] else None
    return Exposure(**columns)


def _accepted_offer(row: sqlite3.Row) -> AcceptedOffer:
    return AcceptedOffer(
        offer=json.loads(row["offer"]),
        language=row["language"],
        accepted_on=date.fromisoformat(row["accepted_on"]),
        active_until=date.fromisoformat(row["active_until"]),
    )


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _day(at: str | None) -> date | None:
    return datetime.fromisoformat(at).date() if at else None
