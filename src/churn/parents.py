"""Processes that end with the process that started them, however that one ends: also by `kill -9`."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # of Linux's prctl


def end_with_parent(before: Callable[[], None] = lambda: None) -> None:
    """End this spawned process at once when its parent has ended, but first call `before`.

    The system closes a pipe when the parent is gone. A thread of this process waits for that.
    """

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            with contextlib.suppress(Exception):
                before()
            os._exit(1)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()


def be_stopped_with(parent: int) -> None:
    """Have the system send SIGTERM to this process when its parent is gone; on Linux only. It outlives `exec`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before this
            os.kill(os.getpid(), signal.SIGTERM)
