"""Make parts in processes of this machine."""

import multiprocessing
import signal
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from churn.errors import ChurnError
from churn.parents import end_with_parent
from churn.reading.sources import FilePart
from churn.scoring.parts import Job, PartResult, score_part


def score_locally(job: Job, parts: Sequence[FilePart], *, workers: int) -> Generator[PartResult, None, None]:
    """Make parts with that many processes, and yield each result when it is done.

    Closing early first finishes the parts in hand. A lost worker raises ChurnError.
    """
    if workers == 1 or len(parts) <= 1:
        for part in parts:
            yield score_part(job, part)
        return
    # Spawn: a fork would inherit the libraries' threads in the middle of their work.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(min(workers, len(parts)), context, initializer=_start_worker)
    try:
        for future in as_completed([executor.submit(score_part, job, part) for part in parts]):
            yield future.result()
    except BrokenProcessPool as error:
        raise ChurnError(
            "a worker process was lost; it may have been killed for want of memory",
            instead="run the command again: it goes on with the parts that are missing; --workers 1 needs least memory",
        ) from error
    finally:
        # Finish the parts in hand. An interrupted or lost worker blocks nothing.
        executor.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """End on Ctrl+C at once and without a traceback. End with the parent, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()
