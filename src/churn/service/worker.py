"""One worker: a process that serves, made as a copy of one that has loaded everything."""

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import sys
import time
from multiprocessing import connection, forkserver

import uvicorn
from uvicorn.supervisors.multiprocess import Process

from churn.cpus import read_cpu_s
from churn.parents import end_with_parent
from churn.service.start_limit import StartLimit
from churn.web.server import AcceptingServer

HUNG_S = 30.0  # without an answer for so long a worker is killed: short of CPU is not yet hung
# A signal to all processes does not end the one that workers are copies of. A copy gets what was held back.
HELD_BACK = frozenset({signal.SIGTERM, signal.SIGHUP})

COPIES, ANEW = multiprocessing.get_context("forkserver"), multiprocessing.get_context("spawn")
COPIES.set_forkserver_preload(["churn.service.loaded"])

log = logging.getLogger("churn.workers")


def load_ahead() -> None:
    """Begin to load what workers need, in the process that they are copies of. Do not wait for it."""
    with contextlib.suppress(OSError):  # workers then load all themselves, and say why
        forkserver.ensure_running()


class Worker(Process):
    """A process that serves, and what is known of it. It ends with this one.

    Raises:
        OSError: there is no process, no memory or no descriptor for it.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.has_started = False
        self.heard_s = time.monotonic()
        self._start_limit = StartLimit(self.heard_s)
        self._is_asked = False
        self._start(sockets)
        self._handle = _open_process(self.pid)

    def _start(self, sockets: list[socket.socket]) -> None:
        try:
            self.process = COPIES.Process(target=self._run, args=(sockets,))  # type: ignore[assignment]
            self.start()
        except (OSError, EOFError) as error:  # such as a folder for temporary files in which no socket can be made
            log.warning("a worker cannot be made as a copy, and loads all itself: %s", error)
            self.process = ANEW.Process(target=self._run, args=(sockets,))
            self.start()

    @property
    def server(self) -> uvicorn.Server:
        """The server, made when it is asked for first: in the new process."""
        if self._server is None:
            self._server = AcceptingServer(self.config)
        return self._server

    def _run(self, sockets: list[socket.socket]) -> None:
        """Serve in the new process."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        end_with_parent(lambda: _stop_listening(sockets))
        self.config.configure_logging()
        with contextlib.suppress(KeyboardInterrupt):
            self.target(sockets)

    def look(self) -> None:
        """Ask the worker whether it has started, and take the answers that have come. Never wait."""
        if not self.has_started:
            self._start_limit.note(read_cpu_s(self.pid), time.monotonic())
        # Else as in uvicorn's own health check, which waits for each worker.
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            if not self._is_asked:
                self.parent_conn.send(b"ping")
                self._is_asked = True
            while self.parent_conn.poll():
                self.has_started = self.parent_conn.recv()
                self._is_asked, self.heard_s = False, time.monotonic()

    def find_fault(self) -> str | None:
        """Say why the worker is of no use and has to be replaced; None if it works or may still start."""
        if not self.process.is_alive():
            return f"died with exit code {self.exitcode}" if self.has_started else f"failed to start: {self.exitcode}"
        now_s = time.monotonic()
        if not self.has_started:
            return self._start_limit.find_fault(now_s)
        if now_s - self.heard_s > HUNG_S:
            return f"did not answer for {HUNG_S:.0f} s"
        return None

    def end(self) -> None:
        """Kill the process if it runs, and wait for its end."""
        self.kill()
        self.process.join()
        # Without its origin it is told of as if it had ended. It would take the end of `self.process` for ours.
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            connection.wait([self._handle])
            os.close(self._handle)
            self._handle = None


def _open_process(pid: int | None) -> int | None:
    """Return a descriptor of a process, ready once it has ended; None if it has, or where there is no such thing."""
    if sys.platform == "linux" and pid:
        with contextlib.suppress(ProcessLookupError):
            return os.pidfd_open(pid)
    return None


def _stop_listening(sockets: list[socket.socket]) -> None:
    """Close the address for all processes that have the sockets, so that a new service can listen there at once."""
    for listener in sockets:
        listener.shutdown(socket.SHUT_RDWR)
