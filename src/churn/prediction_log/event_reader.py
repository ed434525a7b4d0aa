"""Read banner events: each once, and by the version that predicted."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from arro3.core import RecordBatch

from churn.errors import DataError
from churn.prediction_log.banner_events import BannerEvent
from churn.prediction_log.batches import us_from_time, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import EARLIEST, LATEST, read_records, walk_log
from churn.prediction_log.segments import Progress


class Predicted(NamedTuple):
    """What the record of a prediction says of it: the version that answered, and the hashed key of whom it is about."""

    model_version: str
    subscriber: str | None


class JoinedEvents(NamedTuple):
    """Banner events with their predictions, and how many have no record in the log."""

    events: list[tuple[BannerEvent, Predicted]]
    without_prediction: int


def events_from_batch(batch: RecordBatch) -> Iterator[BannerEvent]:
    """Give the banner events of a batch."""
    columns = [values_from_batch(batch, name) for name in BannerEvent._fields]
    for values in zip(*columns, strict=True):
        yield BannerEvent(*values)


def read_events(
    places: Places,
    since: datetime = EARLIEST,
    until: datetime = LATEST,
    *,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> list[BannerEvent]:
    """Read the banner events that the service took in a time, `until` not included, in the order of `time`.

    The same event of the same prediction is there once: the first of this time. Some 300 bytes are held for each.

    Args:
        places: of the contract's predictions.
        damaged: gets an error for each damaged segment, which is left out.

    Raises:
        DataError: a segment is damaged, and there is no list `damaged`.
        OSError, ChurnError: the log cannot be read.
    """
    begin_us, end_us = us_from_time(since), us_from_time(until)
    first: dict[tuple[str, str], BannerEvent] = {}
    for file in walk_log(places.banner_events, since, until, progress=progress):
        for batch in file.read_batches(damaged=damaged):
            for event in events_from_batch(batch):
                if begin_us <= event.time < end_us:
                    key = event.prediction_id, event.event
                    before = first.setdefault(key, event)
                    if event.time < before.time:
                        first[key] = event
    return sorted(first.values())


def join_events(
    places: Places,
    events: Iterable[BannerEvent],
    *,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> JoinedEvents:
    """Join each event with the record of its prediction. Nobody checks an id when an event comes.

    Raises:
        DataError, OSError, ChurnError: as `read_records`.
    """
    events = list(events)
    predicted = _find_predicted(places, {event.prediction_id for event in events}, damaged, progress)
    joined = [(event, predicted[event.prediction_id]) for event in events if event.prediction_id in predicted]
    return JoinedEvents(joined, len(events) - len(joined))


def _find_predicted(
    places: Places, ids: Collection[str], damaged: list[DataError] | None, progress: Progress
) -> Mapping[str, Predicted]:
    columns = ("prediction_id", *Predicted._fields)
    predicted: dict[str, Predicted] = {}
    for batch in read_records(places, columns, damaged=damaged, progress=progress) if ids else ():
        for prediction_id, *rest in zip(*(values_from_batch(batch, name) for name in columns), strict=True):
            if prediction_id in ids:
                predicted[prediction_id] = Predicted(*rest)
    return predicted
