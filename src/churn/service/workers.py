"""The workers of a service: raised when it starts, and again whenever one ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from uvicorn.supervisors.multiprocess import Multiprocess

from churn.errors import ChurnError
from churn.service.worker import Worker
from churn.settings import MOST_WORKERS

if TYPE_CHECKING:
    import socket

    import uvicorn
    from fastapi import FastAPI  # slow to load, and the parent of workers does not need it

    from churn.service.standby import Standby

LOOK_S, LOOK_SOON_S = 0.5, 0.05  # at all workers, and while one is about to start
STOP_S = 90.0  # longer than the longest DRAIN_SECONDS and the time to finish requests
LONGEST_PAUSE_S = 30.0
# Beside the workers: this process, one worker that replaces an older one, and that older one until it has ended.
MOST_PROCESSES = MOST_WORKERS + 3

log = logging.getLogger("churn.workers")

type CreateApp = Callable[[], FastAPI]


class Workers(Multiprocess):
    """Raise the workers, announce them once, and keep their number until told to stop.

    A worker that ends is replaced at once. After one that could not start there is a pause, each time twice as long.

    Args:
        announce: called once all of the first workers answer.
        standby: answers while no worker can, and counts.
        reload: called at SIGHUP; verifies what the folders hold now, and returns what makes the app of that.
        keep_up: called at each look, before a worker is started.
    """

    processes: list[Worker]  # type: ignore[assignment]  # of uvicorn's own class there

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        announce: Callable[[], None],
        standby: Standby,
        *,
        reload: Callable[[], CreateApp],
        keep_up: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config, [listener])
        self.reload = reload
        self.keep_up = keep_up
        self._earlier_app = config.app  # before a restart
        self.announce = announce
        self.standby = standby
        self._outdated: list[Worker] = []  # to be replaced, by SIGHUP
        self._leaving: dict[Worker, float] = {}  # told to stop -> when
        self._failures = 0
        self._next_start_s = 0.0

    def run(self) -> None:
        """Keep the workers until told to stop, then stop them."""
        # uvicorn's own loop looks twice a second: a worker that can answer would have to wait for its turn.
        self.init_processes()
        while not self.should_exit.wait(LOOK_S if self._are_all_ready() else LOOK_SOON_S):
            self.handle_signals()
            self.keep_subprocess_alive()
        self.terminate_all()
        self.join_all()

    def _are_all_ready(self) -> bool:
        return len(self.processes) == self.processes_num and all(worker.has_started for worker in self.processes)

    def init_processes(self) -> None:
        """Start the first workers.

        Raises:
            ChurnError: one of them failed to start.
        """
        self.processes = [Worker(self.config, self.sockets) for _ in range(self.processes_num)]
        while not self._are_all_ready():
            self.handle_signals()
            if self.should_exit.wait(LOOK_SOON_S):
                return
            for worker in self.processes:
                worker.look()
                if fault := worker.find_fault():
                    for started in self.processes:
                        started.end()
                    raise ChurnError(f"a worker {fault}", instead="see the log above, or try WORKERS=1")
        self.announce()

    def keep_subprocess_alive(self) -> None:
        """Look at each worker once, and start those that are missing."""
        self.keep_up()
        for worker in self.processes:
            worker.look()
        for worker in [*self.processes]:
            if fault := worker.find_fault():
                self._lose(worker, fault)
        self._finish_leaving()
        ready = sum(worker.has_started for worker in self.processes)
        if ready and ready == len(self.processes):
            self._failures = 0
            self._renew_next()
        if ready:
            self.standby.end()
        else:
            self.standby.begin()
        self.standby.counters.set_workers_missing(max(self.processes_num - ready, 0))
        self._start_missing()  # last, since it may have to wait for the process that workers are copies of

    def _start_missing(self) -> None:
        missing = self.processes_num + bool(self._outdated and not self._leaving) - len(self.processes)
        for _ in range(missing):
            if time.monotonic() < self._next_start_s:
                return
            try:
                self.processes.append(Worker(self.config, self.sockets))
            except OSError as error:  # no process, no memory or no descriptor to be had
                self._pause(f"a worker cannot be started: {error}")

    def _lose(self, worker: Worker, fault: str) -> None:
        worker.end()
        self.processes.remove(worker)
        self.standby.counters.count_lost_worker(had_started=worker.has_started)
        if worker.has_started:
            log.error("worker %s %s, and is replaced", worker.pid, fault)
            return
        self._pause(f"worker {worker.pid} {fault}")

    def _pause(self, fault: str) -> None:
        """Say what failed, and start nothing for a while. A restart ends here: the older workers go on."""
        pause_s = min(2.0**self._failures, LONGEST_PAUSE_S)
        self._failures += 1
        self._next_start_s = time.monotonic() + pause_s
        log.error("%s; the next try is in %.0f s", fault, pause_s)
        if self._outdated:
            self._outdated.clear()
            self.config.app = self._earlier_app
            log.error("the restart ends here: the workers that are left go on")

    def _renew_next(self) -> None:
        """Retire the next worker of a restart if another one more than wanted is ready."""
        self._outdated = [worker for worker in self._outdated if worker in self.processes]
        if self._outdated and len(self.processes) > self.processes_num:
            self._retire(self._outdated.pop(0))

    def _retire(self, worker: Worker) -> None:
        self.processes.remove(worker)
        worker.terminate()
        self._leaving[worker] = time.monotonic()

    def _finish_leaving(self) -> None:
        for worker, since_s in [*self._leaving.items()]:
            if not worker.process.is_alive() or time.monotonic() - since_s > STOP_S:
                worker.end()
                del self._leaving[worker]

    def join_all(self) -> None:
        """Wait for all workers, which have been told to stop, but not for ever."""
        self.standby.end()
        until_s = time.monotonic() + STOP_S
        for worker in [*self.processes, *self._leaving]:
            worker.process.join(max(until_s - time.monotonic(), 0))
            worker.end()

    def handle_hup(self) -> None:
        """Replace each worker, one after the other, by one that serves what the folders hold now.

        If that cannot be served, replace none.
        """
        try:
            app = self.reload()
        except ChurnError as error:
            log.error("SIGHUP: the workers go on with what they serve: %s; %s", error, error.instead)  # noqa: TRY400
            return
        log.info("SIGHUP: the workers are replaced one by one")
        if not self._outdated:
            self._earlier_app = self.config.app
        self.config.app = app
        self._outdated = [*self.processes]

    def handle_ttin(self) -> None:
        """Have one worker more."""
        self.processes_num = min(self.processes_num + 1, MOST_WORKERS)

    def handle_ttou(self) -> None:
        """Have one worker less."""
        if self.processes_num > 1:
            self.processes_num -= 1
            if len(self.processes) > self.processes_num:
                self._retire(self.processes[-1])
