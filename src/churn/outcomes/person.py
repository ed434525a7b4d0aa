"""What is kept of one subscriber: their records in the prediction log, and their outcomes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from churn.errors import DataError
from churn.outcomes.store import erase_outcomes, load_outcomes
from churn.prediction_log.banner_events import BannerEvent
from churn.prediction_log.batches import rows_from_batch, values_from_batch
from churn.prediction_log.event_reader import read_events
from churn.prediction_log.maintenance import close_all_journals, erase_from_set_aside, erase_subscriber
from churn.prediction_log.places import Places
from churn.prediction_log.reader import walk_log
from churn.prediction_log.record import Record
from churn.prediction_log.segments import Progress, list_segments, open_store

DAYS = ("left_on", "watched_until")


class Erasure(NamedTuple):
    """Count what was erased, and what may hold more: open journals, files of damaged lines that were set aside.

    `events` are banner events.
    """

    records: int
    outcomes: int
    journals_still_open: int
    set_aside: int
    events: int = 0

    def require_whole(self, journals: Path) -> None:
        """Raise DataError if more of the subscriber may be left."""
        if self.journals_still_open:
            raise DataError(
                f"{self.journals_still_open} journals in {journals} are still being written, and may hold more of "
                "their records",
                instead="run it again when the services that write them answer or have ended",
            )
        if self.set_aside:
            raise DataError(
                f"{self.set_aside} files of damaged lines may hold more of their records, which nobody can recognise",
                instead="look at them, then mend or remove them: `churn predictions list` names them",
            )


def erase_person(places: Places, outcomes: Path, subscriber: str, *, progress: Progress = lambda *_: None) -> Erasure:
    """Erase a subscriber, whose key is hashed as in the log. Running services close their segments for it.

    The log goes last: outcomes that came with the id of a prediction are found by it. If it is stopped, the next call
    does the rest.

    Raises:
        DataError: segments are damaged, and may hold more; all else is erased. Or the file of outcomes is damaged.
        OSError, ChurnError: the log cannot be written.
    """
    events = places.banner_events
    store, event_store = (open_store(each.where, places.kept_days) for each in (places, events))
    still_open = close_all_journals(places.journals, store) + close_all_journals(events.journals, event_store)
    records = collect_records(places, subscriber, damaged=[])
    ids = {record["prediction_id"] for record in records}
    aside = erase_from_set_aside(places.journals, subscriber) + erase_from_set_aside(events.journals, subscriber, ids)
    erased_outcomes = erase_outcomes(outcomes, subscriber, sorted(ids))
    damaged: list[DataError] = []
    erased_events = 0
    try:
        erased_events = erase_subscriber(event_store, subscriber, ids, beside=list_segments(store))
    except DataError as error:  # all else is erased first
        damaged.append(error)
    erased_records = erase_subscriber(store, subscriber, progress=progress)
    if damaged:
        raise damaged[0]
    return Erasure(erased_records, erased_outcomes, still_open, aside, erased_events)


def collect_records(places: Places, subscriber: str, *, damaged: list[DataError]) -> list[Record]:
    """Collect the records of a subscriber, oldest first. Damaged segments are left out, and added to `damaged`.

    Raises:
        OSError, ChurnError: the log cannot be read.
    """
    records: list[Record] = []
    for file in walk_log(places):
        for batch in file.read_batches(holding=subscriber, damaged=damaged):
            for number, owner in enumerate(values_from_batch(batch, "subscriber")):
                if owner == subscriber:
                    records.extend(rows_from_batch(batch.slice(number, 1)))
    return sorted(records, key=lambda record: record["time"])


def collect_events(
    places: Places, subscriber: str, records: Sequence[Record], *, damaged: list[DataError]
) -> list[BannerEvent]:
    """Collect the banner events of a subscriber, oldest first: those with their key, and those of their predictions.

    Raises:
        OSError, ChurnError: the log cannot be read.
    """
    ids = {record["prediction_id"] for record in records}
    events = read_events(places, damaged=damaged)
    return [event for event in events if event.subscriber == subscriber or event.prediction_id in ids]


def collect_outcomes(path: Path, subscriber: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Collect the outcomes of a subscriber: those that came with their key, and those of their predictions.

    Raises:
        DataError: the file is damaged or in use.
    """
    theirs = {("subscriber", subscriber), *(("prediction_id", record["prediction_id"]) for record in records)}
    return [
        outcome._asdict() | {name: day.isoformat() if (day := getattr(outcome, name)) else None for name in DAYS}
        for outcome in load_outcomes(path)
        if (outcome.kind, outcome.id) in theirs
    ]
