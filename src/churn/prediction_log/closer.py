"""Run the process that closes journals: `churn.prediction_log.maintenance`, one at a time for each worker."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable

from pydantic_core import from_json

from churn.prediction_log.places import Places

# Segments grow old, and a store can be reached again, even while nothing is predicted.
REPEAT_S = 3600.0
FINISH_S = 10.0
# The kind of trouble, by the number in the process's summary that tells of it.
TROUBLES = {"damaged": "set_aside", "waiting": "waiting"}

log = logging.getLogger("churn.prediction_log")


class Closer:
    """Start the process when it is asked for, and once an hour.

    Args:
        complain: called with a sentence when the process has failed.
        count: called with a value of `kind` in `metrics.LOG_TROUBLE` when something went wrong.
    """

    def __init__(
        self, places: Places, retention_days: int, complain: Callable[[str], None], count: Callable[[str], None]
    ) -> None:
        module = [sys.executable, "-m", "churn.prediction_log.maintenance"]
        keep = [] if places.kept_days is None else ["--only-write"]
        self._command = [*module, places.where, str(places.journals), str(retention_days), *keep]
        self._complain = complain
        self._count = count
        self._process: subprocess.Popen[bytes] | None = None
        self._is_asked = False
        self._started_s = time.monotonic()

    def ask(self) -> None:
        """Have the process started at the next check."""
        self._is_asked = True

    def start(self) -> None:
        """Start the process."""
        self._is_asked, self._started_s = False, time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # else Ctrl+C would end it too
        )

    def check(self) -> None:
        """Report a process that has ended, and start one if it is time."""
        if self._process and self._process.poll() is not None:
            process, self._process = self._process, None
            output, errors = process.communicate()
            if process.returncode:
                lines = errors.decode(errors="replace").splitlines() or [f"exit code {process.returncode}"]
                self._count("failed")
                self._complain(f"closing segments of the prediction log failed, and is tried again: {lines[-1]}")
            else:
                summary = from_json(output)
                troubles = [kind for kind, key in TROUBLES.items() if summary[key]]
                for kind in troubles:
                    self._count(kind)
                level = logging.WARNING if troubles else logging.INFO
                log.log(level, "closing segments of the prediction log: %s", output.decode().strip())
        if self._process is None and (self._is_asked or time.monotonic() - self._started_s >= REPEAT_S):
            self.start()

    def finish(self) -> None:
        """Start the process for the last journal and wait for it, but not for long."""
        for _ in range(2):  # one that runs already may have begun too early to see our journal
            self.check()
            if self._process:
                self._process.wait(FINISH_S)
        self.check()
