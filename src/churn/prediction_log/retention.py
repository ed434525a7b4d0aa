"""Remove what is older than the retention, but not while the clock is in doubt.

A clock that jumps forward makes everything look old. So each pass leaves a note beside the journals: the wall clock,
and the time since the machine started, which nobody sets. The next pass compares both.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from churn.clocks import Clock
from churn.files import write_bytes
from churn.prediction_log.journal import list_set_aside
from churn.prediction_log.segments import Segment, SegmentStore, list_segments

PATIENCE_S = 24 * 3600.0  # a doubt ends after this time
JUMP_S = 3600.0  # the wall clock gains more than this on the machine's own: it has jumped
MOST_AHEAD = timedelta(days=2)  # of the newest record
UNFINISHED_AFTER = timedelta(hours=1)  # a file that is half written for so long will never be finished
NOTE = "retention.json"


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass leaves for the next one.

    Args:
        clock: what the clocks showed.
        doubt: why old segments stay; empty if there is no doubt.
        has_jumped: whether the doubt is a jump, which lasts.
        waited_s: for how long there has been a doubt.
    """

    clock: Clock
    doubt: str = ""
    has_jumped: bool = False
    waited_s: float = 0.0


class Removal(NamedTuple):
    """Count segments that were removed, and old ones that wait; say why they wait."""

    removed: int
    waiting: int = 0
    doubt: str = ""


_NOTE = TypeAdapter(Note)


def remove_old_files(
    store: SegmentStore | None, journals: Path, *, days: int, clock: Clock, at_once: bool = False
) -> Removal:
    """Remove old segments and old damaged lines, unless the clock is in doubt; remove unfinished files.

    A segment is old if its latest record is older than `days`. `at_once` ends a doubt. Without a store no segments are
    looked at: something else removes them.

    Raises:
        OSError, ChurnError: the store or the folder of journals cannot be written.
    """
    now = datetime.fromtimestamp(clock.wall_s, UTC)
    before, segments = now - timedelta(days=days), list_segments(store) if store else []
    old = [segment for segment in segments if segment.last < before]
    note = _judge_clock(_read_note(journals), clock, segments, old)
    waits = bool(note.doubt) and not at_once
    if journals.is_dir():  # the service makes it, so that only its group may enter
        write_bytes(journals / NOTE, to_json(asdict(note if waits else Note(clock))))
    if waits:
        return Removal(0, len(old), note.doubt)
    for path in list_set_aside(journals):
        if path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
    if store:
        for segment in old:
            store.delete(segment.name)
        store.sweep(now - UNFINISHED_AFTER)
    return Removal(len(old))


def _judge_clock(last: Note | None, clock: Clock, segments: Sequence[Segment], old: Sequence[Segment]) -> Note:
    """Say whether the clock is in doubt, and for how long it has been."""
    last = last if last and last.clock.boot == clock.boot else Note(clock)
    passed_s, gained_s = clock.measure_since(last.clock), clock.gain_since(last.clock)
    newest = max((segment.last for segment in segments), default=None)
    now = datetime.fromtimestamp(clock.wall_s, UTC)
    has_jumped, doubt = False, ""
    if gained_s > JUMP_S:
        has_jumped, doubt = True, f"the clock has jumped forward by {gained_s / 3600:.1f} hours"
    elif last.has_jumped and gained_s > -JUMP_S:
        has_jumped, doubt = True, last.doubt
    elif old and len(old) == len(segments):
        doubt = "all segments are older than the retention"
    elif old and newest and now - newest > MOST_AHEAD:
        doubt = f"the clock is {(now - newest) / timedelta(days=1):.1f} days ahead of the newest record"
    waited_s = last.waited_s + passed_s if doubt and last.doubt else 0.0
    return Note(clock) if waited_s >= PATIENCE_S else Note(clock, doubt, has_jumped, waited_s)


def _read_note(journals: Path) -> Note | None:
    try:
        return _NOTE.validate_json((journals / NOTE).read_bytes())
    except (FileNotFoundError, ValidationError):  # the first pass, or a damaged note: as if it were the first
        return None
