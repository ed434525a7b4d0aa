"""The writer: takes predictions on the event loop and writes them in the background, so that no request waits.

The event loop makes each line in microseconds, which costs less than keeping its parts. Only bytes wait in the queue.
A thread of each worker writes them. Lines that it is too slow for, or cannot write, are dropped and counted.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from churn.model.model import Prediction
from churn.prediction_log.appending import Appender
from churn.prediction_log.banner_events import BannerEvent, make_event_header, make_event_line
from churn.prediction_log.challenger import Challenger
from churn.prediction_log.closer import Closer
from churn.prediction_log.journal import list_journals
from churn.prediction_log.places import Places
from churn.prediction_log.policies import keep_policy
from churn.prediction_log.record import Entry, JournalHeader, LineMaker, hash_key

CAPACITY = 16_384  # one worker answers so many in two seconds; 15 MB
EVENTS_CAPACITY = 4096  # banner events; 1.5 MB
SLICE = 1024  # lines that are written at once
SHADOWED_SLICE = 64  # with a challenger: some 0.2 ms, during half of which the event loop has the interpreter
TICK_S = 0.05  # a crash of the process loses the records of this time
COMPLAIN_S = 60.0

log = logging.getLogger("churn.prediction_log")


class PredictionLog:
    """The log of one worker. `written` and `dropped` are counts since its start.

    Args:
        segment_s: a journal of this age, in seconds, is closed.
        retention_days: older segments are removed.
        capacity: of the queue; when it is full, predictions are dropped.
        challenger: a model that answers the same in the background; its answers are logged, too.
        policy: the content of the policy's file, which is kept beside the log.
    """

    def __init__(
        self,
        places: Places,
        header: JournalHeader,
        *,
        segment_s: float,
        retention_days: int,
        capacity: int = CAPACITY,
        challenger: Challenger | None = None,
        policy: bytes | None = None,
    ) -> None:
        self.places = places
        self._policy = policy
        self.challenger = challenger
        self.written = 0
        # Called by the writing thread: so many more were written, so many more dropped.
        self.observer: Callable[[int, int], None] = lambda *_: None
        # Called by it with the kind of a trouble in closing journals.
        self.trouble_observer: Callable[[str], None] = lambda _: None
        self._observed = (0, 0)
        self._turned_away = 0
        self._lost = 0
        self._queue: deque[bytes] = deque()
        # With a challenger: the champion's prediction of each line in the queue.
        self._predictions: deque[Prediction] = deque()
        self._capacity = capacity
        self._retention_days = retention_days
        self._closer = Closer(places, retention_days, self._complain, self._count_trouble)
        self._maker = LineMaker(header)
        self._salt = header.salt
        self._appender = Appender(places, self._maker.header, segment_s)
        self._events: deque[bytes] = deque()
        self._event_appender = Appender(places.banner_events, make_event_header(header.contract), segment_s)
        self._complained_s = float("-inf")
        self._reported_dropped = 0
        self._trouble: Exception | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Return the number of answers that are not in the log: the queue was full, or they could not be written."""
        return self._turned_away + self._lost

    def __str__(self) -> str:
        """Say where predictions are logged, for how long, and whether with keys."""
        keys = "with subscribers' keys hashed" if self._salt else "without subscribers' keys: no salt is set"
        shadow = f"; the challenger {self.challenger} answers them too" if self.challenger else ""
        return f"predictions are logged to {self.places.where} for {self._retention_days} days, {keys}{shadow}"

    def note(self, entry: Entry) -> None:
        """Take a prediction, on the event loop; never wait and never raise."""
        if len(self._queue) >= self._capacity:
            self._turned_away += 1
            if self.challenger:
                self.challenger.drop()
            return
        try:
            line = self._maker.make_line(entry)
        except Exception as error:  # noqa: BLE001 - the answer is right, even if its record is not
            self._turned_away += 1
            self._trouble = error
            return
        if self.challenger:
            self._predictions.append(entry.prediction)
        self._queue.append(line)

    def note_events(self, events: Sequence[BannerEvent]) -> bool:
        """Take banner events, on the event loop; never wait. Return False if there is no room; then none is taken."""
        if len(self._events) + len(events) > EVENTS_CAPACITY:
            return False
        self._events.extend(map(make_event_line, events))
        return True

    @property
    def is_running(self) -> bool:
        """Whether what is taken is written."""
        return self._thread is not None

    def hash_key(self, key: str | None) -> str | None:
        """Hash a subscriber's key as records have it."""
        return hash_key(key, self._salt)

    def start(self) -> None:
        """Start to write; also close journals that earlier processes left behind.

        Raises:
            OSError: the folder of the journals cannot be written.
        """
        self.places.prepare()
        if self._policy is not None:
            keep_policy(self.places.journals, self._policy)
        if self.places.is_remote or any(map(list_journals, (self.places.journals, self.places.banner_events.journals))):
            self._closer.start()  # it also finds out whether the store can be reached
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write the rest, close the segment, and wait for that, but not for long."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self._run_step(self._drain)
            self._run_step(self._drain_events)
            self._run_step(self._work)
            self._run_step(self._report_counts)
        self._run_step(self._drain)
        self._run_step(self._drain_events)
        self._run_step(self._report_counts)
        self._run_step(self._finish)

    def _report_counts(self) -> None:
        written, dropped = now = self.written, self.dropped
        before, self._observed = self._observed, now
        if now != before:
            self.observer(written - before[0], dropped - before[1])

    def _run_step(self, step: Callable[[], None]) -> None:
        """Run a step. After any error the thread goes on: the next record may be written."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - see above
            self._complain("the prediction log has trouble", error)

    def _work(self) -> None:
        for appender in (self._appender, self._event_appender):
            if appender.look():
                self._closer.ask()
        self._closer.check()
        if self.dropped > self._reported_dropped:
            self._complain("not all predictions are in the log", self._trouble)

    def _drain(self) -> None:
        queue = self._queue
        while queue:
            size = SHADOWED_SLICE if self.challenger else SLICE
            lines = [queue.popleft() for _ in range(min(size, len(queue)))]
            if self.challenger:
                answers = self.challenger.predict([self._predictions.popleft() for _ in lines])
                pairs = zip(lines, answers, strict=True)
                lines = [self._maker.add_challenger(line, answer) if answer else line for line, answer in pairs]
            try:
                self._appender.append(b"".join(lines))
            except Exception:
                self._lost += len(lines)
                raise
            self.written += len(lines)

    def _drain_events(self) -> None:
        """Write the banner events that wait. What cannot be written waits on, so that no more are taken in the end."""
        queue = self._events
        while queue:
            lines = [queue.popleft() for _ in range(min(SLICE, len(queue)))]
            try:
                if not self._event_appender.is_open:
                    self.places.banner_events.prepare()
                self._event_appender.append(b"".join(lines))
            except Exception:
                queue.extendleft(reversed(lines))
                raise

    def _finish(self) -> None:
        for appender in (self._appender, self._event_appender):
            if appender.release():
                self._closer.ask()
        if self._events:
            log.warning("%d banner events are lost: they could not be written", len(self._events))
        self._closer.finish()

    def _count_trouble(self, kind: str) -> None:
        self.trouble_observer(kind)

    def _complain(self, what: str, error: Exception | None = None) -> None:
        """Log a warning, but only once a minute: under load the same trouble comes a thousand times a second."""
        now_s = time.monotonic()
        if now_s - self._complained_s >= COMPLAIN_S:
            self._complained_s, self._reported_dropped = now_s, self.dropped
            foreseen = error is None or isinstance(error, OSError)
            reason = f": {error}" if error else ""
            log.warning("%s%s; dropped so far: %d", what, reason, self.dropped, exc_info=None if foreseen else error)
