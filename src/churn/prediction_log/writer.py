"""The writer: takes what was predicted from the event loop and writes it in the background, so that no request waits.

A record's line is made on the event loop, in microseconds: it costs less there than keeping all it is made of until a
thread has its turn, and what waits is plain bytes. A thread of each worker writes them. What it cannot keep up with, or
cannot write, is dropped and counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from churn.answers import PredictionAnswer, Retention
from churn.model.model import Prediction
from churn.prediction_log.challenger import Challenger
from churn.prediction_log.closer import Closer
from churn.prediction_log.journal import Journal, list_journals
from churn.prediction_log.places import Places
from churn.prediction_log.record import Entry, JournalHeader, LineMaker

# Two seconds of all that one worker can answer; 15 MB.
CAPACITY = 16_384
# Lines that are written in one go.
SLICE = 1024
# With a challenger: some 0.2 ms, half of them without the interpreter, which the event loop then has.
SHADOWED_SLICE = 64
# How long a record lies in memory only, where a crash would lose it.
TICK_S = 0.05
SYNC_S = 1.0
# The size of a segment, so that closing it takes little memory.
SEGMENT_BYTES = 16 * 2**20
# Journals that wait for a store that cannot be reached must not fill the disk.
MOST_WAITING_BYTES = 2**30
COMPLAIN_S = 60.0

log = logging.getLogger("churn.prediction_log")


class PredictionLog:
    """The log of one worker. `written` and `dropped` are counts since its start.

    Args:
        places: where it lies.
        source: what all records have in common.
        segment_s: a journal is closed when it is so old, in seconds, or has `segment_bytes`.
        retention_days: closed segments that are older are removed.
        segment_bytes: see above.
        capacity: of the queue; what comes when it is full is dropped.
        challenger: answers the same in the background, and its answer is logged beside the champion's.
    """

    def __init__(
        self,
        places: Places,
        source: JournalHeader,
        *,
        segment_s: float,
        retention_days: int,
        segment_bytes: int = SEGMENT_BYTES,
        capacity: int = CAPACITY,
        challenger: Challenger | None = None,
    ) -> None:
        self.places = places
        self.challenger = challenger
        self.written = 0
        # Told how many more were written and how many more dropped; from the thread that writes.
        self.observer: Callable[[int, int], None] = lambda *_: None
        self._observed = (0, 0)
        self._turned_away = 0
        self._lost = 0
        self._queue: deque[bytes] = deque()
        # With a challenger, what the champion said in each line of the queue.
        self._said: deque[Prediction] = deque()
        self._capacity = capacity
        self._segment_s = segment_s
        self._segment_bytes = segment_bytes
        self._retention_days = retention_days
        self._closer = Closer(places, retention_days, self._complain)
        self._maker = LineMaker(source)
        self._salted = bool(source.salt)
        self._journal: Journal | None = None
        self._unsynced = False
        self._synced_s = 0.0
        self._complained_s = float("-inf")
        self._told_dropped = 0
        self._trouble: Exception | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Predictions that were answered and are not in the log: the queue was full, or they could not be written."""
        return self._turned_away + self._lost

    def __str__(self) -> str:
        """Where predictions are logged, for how long, and whether by subscriber."""
        keys = "with subscribers' keys hashed" if self._salted else "without subscribers' keys: no salt is set"
        shadow = f"; the challenger {self.challenger} answers them too" if self.challenger else ""
        return f"predictions are logged to {self.places.where} for {self._retention_days} days, {keys}{shadow}"

    def note(
        self,
        prediction_id: str,
        request_id: str,
        *,
        key: str | None,
        prediction: Prediction,
        answer: PredictionAnswer,
        retention: Retention | None,
        trace_id: str | None = None,
    ) -> None:
        """Takes a prediction, on the event loop; never waits and never raises.

        Args:
            prediction_id: of the answer.
            request_id: of the request.
            key: the subscriber's, as it came; the log keeps a keyed hash of it, or nothing.
            prediction: what the model said.
            answer: what was answered.
            retention: what the banner shows, if there is one.
            trace_id: of the trace that the request belongs to, if somebody traces.
        """
        if len(self._queue) >= self._capacity:
            self._turned_away += 1
            if self.challenger:
                self.challenger.drop()
            return
        noted = Entry(time.time_ns(), prediction_id, request_id, key, prediction, answer, retention, trace_id)
        try:
            line = self._maker.make_line(noted)
        except Exception as error:  # noqa: BLE001 - the answer is right, whatever is wrong with its record
            self._turned_away += 1
            self._trouble = error
            return
        if self.challenger:
            self._said.append(prediction)
        self._queue.append(line)

    def start(self) -> None:
        """Starts to write; also closes what processes that died have left behind.

        Raises:
            OSError: the folder of the journals cannot be written.
        """
        self.places.prepare()
        if list_journals(self.places.journals):
            self._closer.start()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes what is left, closes the segment, and waits for that, but not for long."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self._safely(self._work)
            self._safely(self._tell)
        self._safely(self._drain)
        self._safely(self._tell)
        self._safely(self._finish)

    def _tell(self) -> None:
        written, dropped = now = self.written, self.dropped
        before, self._observed = self._observed, now
        if now != before:
            self.observer(written - before[0], dropped - before[1])

    def _safely(self, step: Callable[[], None]) -> None:
        """Whatever happens, the thread goes on: the next record may be written."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - see above
            self._complain("the prediction log has trouble", error)

    def _work(self) -> None:
        self._drain()
        now_s = time.monotonic()
        if self._journal and self._unsynced and now_s - self._synced_s >= SYNC_S:
            self._journal.sync()
            self._unsynced, self._synced_s = False, now_s
        if self._journal and self._is_full(self._journal, now_s):
            self._let_go()
        self._closer.check()
        if self.dropped > self._told_dropped:
            self._complain("not all predictions are in the log", self._trouble)

    def _drain(self) -> None:
        queue = self._queue
        while queue:
            size = SHADOWED_SLICE if self.challenger else SLICE
            lines = [queue.popleft() for _ in range(min(size, len(queue)))]
            if self.challenger:
                said = self.challenger.predictions([self._said.popleft() for _ in lines])
                pairs = zip(lines, said, strict=True)
                lines = [self._maker.add_challenger(line, each) if each else line for line, each in pairs]
            try:
                self._write(b"".join(lines))
            except Exception:
                self._lost += len(lines)
                raise
            self.written += len(lines)

    def _write(self, lines: bytes) -> None:
        if self._journal is None:
            waiting = sum(path.stat().st_size for path in list_journals(self.places.journals))
            if waiting > MOST_WAITING_BYTES:
                raise OSError(f"{waiting:,} bytes of journals wait in {self.places.journals} to be closed")
            self._journal = Journal(self.places.journals, self._maker.header)
        self._journal.append(lines)
        self._unsynced = True

    def _is_full(self, journal: Journal, now_s: float) -> bool:
        due = journal.bytes >= self._segment_bytes or now_s - journal.opened_s >= self._segment_s
        return due or journal.is_release_requested()

    def _let_go(self) -> None:
        """Ends the journal, which is then anybody's to close, and has somebody close it."""
        journal, self._journal = self._journal, None
        if journal:
            try:
                journal.sync()
            finally:
                journal.close()
            self._closer.ask()

    def _finish(self) -> None:
        self._let_go()
        self._closer.finish()

    def _complain(self, what: str, error: Exception | None = None) -> None:
        """Says it once a minute at most: under load the same trouble comes a thousand times a second."""
        now_s = time.monotonic()
        if now_s - self._complained_s >= COMPLAIN_S:
            self._complained_s, self._told_dropped = now_s, self.dropped
            foreseen = error is None or isinstance(error, OSError)
            reason = f": {error}" if error else ""
            log.warning("%s%s; dropped so far: %d", what, reason, self.dropped, exc_info=None if foreseen else error)
