"""Tell each state once. Sending takes place in threads, one for each receiver, so nobody waits for a slow one."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Final, Protocol

from churn.files import encode_json, write_bytes
from churn.notices.notice import Notice

WAITS_S: Final = (1.0, 5.0, 25.0)  # before each further try
MOST_WAITING: Final = 32  # notices of one receiver; more are not taken
CLOSE_WITHIN_S: Final = 20.0


class Receiver(Protocol):
    """Somebody who can be told."""

    @property
    def name(self) -> str:
        """Return a name that holds no secret."""
        ...

    def tell(self, notice: Notice) -> bool:
        """Tell them, and return whether they took it. It may take as long as they like."""
        ...


@dataclass
class _Sending:
    """A state that is being told, and how many receivers have not been tried to the end."""

    state: str
    receivers_left: int


class Announcer:
    """Announce states to all receivers.

    Which state of a topic was told last is kept in a file, so that the next process does not tell it again. A state
    that no receiver took is told again when it is announced again.

    Args:
        receivers: may be none; then nothing is done.
        told: the file.
        note: takes a line for the log, without secrets.
        waits_s: how long to wait before each further try of one receiver.
    """

    def __init__(
        self,
        receivers: Sequence[Receiver],
        told: Path,
        note: Callable[[str], None],
        *,
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:
        self._told, self._note, self._waits_s = told, note, waits_s
        self._lock = threading.Lock()
        self._under_way: dict[str, _Sending] = {}
        self._ends = threading.Event()
        self._queues: list[Queue[Notice]] = []
        for receiver in receivers:
            queue: Queue[Notice] = Queue(MOST_WAITING)
            self._queues.append(queue)
            threading.Thread(target=self._deliver, args=(receiver, queue), daemon=True).start()

    def announce(self, notice: Notice) -> None:
        """Announce a state if it is another than the topic's last one. It never waits and never raises."""
        if not self._queues:
            return
        with self._lock:
            states, sending = self._read(), self._under_way.get(notice.topic)
            if (sending.state if sending else states.get(notice.topic, "")) == notice.state:
                return
            if not notice.state:
                self._under_way.pop(notice.topic, None)
                self._write(states | {notice.topic: ""})
                return
            self._under_way[notice.topic] = _Sending(notice.state, len(self._queues))
        for queue in self._queues:
            try:
                queue.put_nowait(notice)
            except Full:
                self._note(f"not told, since too many notices wait: {notice.title}")
                self._settle(notice, is_taken=False)

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Wait until all is sent, or for so long; then no further try is made."""
        until = time.monotonic() + within_s
        while any(queue.unfinished_tasks for queue in self._queues) and time.monotonic() < until:
            time.sleep(0.02)
        self._ends.set()
        if any(queue.unfinished_tasks for queue in self._queues):
            self._note("some notices could not be sent in time")

    def _deliver(self, receiver: Receiver, queue: "Queue[Notice]") -> None:
        while not self._ends.is_set():
            with suppress(Empty):
                notice = queue.get(timeout=1)
                try:
                    self._settle(notice, is_taken=self._try(receiver, notice))
                finally:
                    queue.task_done()

    def _try(self, receiver: Receiver, notice: Notice) -> bool:
        for wait_s in (*self._waits_s, None):
            if receiver.tell(notice):
                return True
            if wait_s is None or self._ends.wait(wait_s):
                break
        self._note(f"{receiver.name} did not take the notice: {notice.title}")
        return False

    def _settle(self, notice: Notice, *, is_taken: bool) -> None:
        """Keep that a state was told, or forget that it was to be."""
        with self._lock:
            if is_taken:
                self._write(self._read() | {notice.topic: notice.state})
            sending = self._under_way.get(notice.topic)
            if sending and sending.state == notice.state:
                sending.receivers_left -= 1
                if not sending.receivers_left:
                    del self._under_way[notice.topic]

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(self._told.read_bytes())
        except (OSError, ValueError):  # not there, or damaged: at worst a state is told twice
            return {}
        return {str(topic): str(state) for topic, state in content.items()} if isinstance(content, dict) else {}

    def _write(self, states: dict[str, str]) -> None:
        try:
            write_bytes(self._told, encode_json(states))
        except OSError as error:
            self._note(f"what was told cannot be kept, so it may be told again: {error.strerror}")
