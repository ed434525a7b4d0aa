"""Finding one record among all segments and journals."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from churn.errors import DataError
from churn.prediction_log.ids import PREDICTION_ID, made_at
from churn.prediction_log.journal import journals_in, whole_lines
from churn.prediction_log.places import Places
from churn.prediction_log.record import Record, read_header, read_line
from churn.prediction_log.segments import row_of
from churn.prediction_log.stores import Segment, open_store, read_segment, segments_of

# Between making an id and noting its record; a clock that is set meanwhile is covered by the segment's own range.
SLACK = timedelta(seconds=2)


def find_record(
    places: Places, prediction_id: str, *, progress: Callable[[int, int], None] = lambda *_: None
) -> Record:
    """The record of a prediction, its time in microseconds since 1970.

    Raises:
        DataError: it is no id, no record has it, or a segment in which it may be is damaged.
        OSError: a folder cannot be read.
        ChurnError: the object store cannot be used.
    """
    if not PREDICTION_ID.fullmatch(prediction_id):
        raise DataError(
            f"{prediction_id!r} is no id of a prediction", instead="give the 32 hex digits of an answer's prediction_id"
        )
    store = open_store(places.where)
    damaged: list[DataError] = []
    candidates = candidates_for(prediction_id, segments_of(store))
    for done, segment in enumerate(candidates, 1):
        try:
            if found := row_of(read_segment(store, segment), prediction_id):
                return found
        except DataError as error:  # it may be in another one
            damaged.append(error)
        progress(done, len(candidates))
    for record in journal_records(places, containing=prediction_id):
        if record["prediction_id"] == prediction_id:
            return record
    if damaged:
        raise damaged[0]
    raise DataError(
        f"no record has the id {prediction_id}: not in {places.where}, and not in {places.journals}",
        instead="see with `churn predictions list` from when on there are records, or whether PREDICTION_LOG and the "
        "contract are those of the service",
    )


def candidates_for(prediction_id: str, segments: Sequence[Segment]) -> Sequence[Segment]:
    """The segments in which an id may be: those of its time, or all if it does not say when it was made."""
    made = made_at(prediction_id)
    if made is None:
        return segments
    return [segment for segment in segments if segment.first - SLACK <= made <= segment.last + SLACK]


def journal_records(places: Places, *, containing: str = "") -> Iterator[Record]:
    """The records that are not in a segment yet, in their order; lines that are damaged are left out.

    Args:
        places: of the log.
        containing: only of lines in which this stands, which are all that are decoded.
    """
    wanted = containing.encode()
    for path in journals_in(places.journals):
        try:
            lines, _ = whole_lines(path.read_bytes())
        except FileNotFoundError:  # closed meanwhile
            continue
        first, *rest = lines.splitlines() or [b""]
        for line in rest:
            if wanted in line:
                with contextlib.suppress(ValueError):
                    yield read_line(line, read_header(first))
