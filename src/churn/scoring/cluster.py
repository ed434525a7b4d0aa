"""Make parts on a Ray cluster. Each part is a task, and Ray repeats a task whose worker is lost.

Every node needs this package, and must see the input, the output folder, the bundle and the folders of
CHURN_BUSINESSES at the same paths.
"""

import functools
import logging
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from typing import Any

from churn.businesses import export_folders
from churn.errors import ChurnError
from churn.reading.sources import FilePart
from churn.scoring.parts import Job, PartResult, score_part

# Ray reports its use to its makers unless this is set before the import.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
import ray.data
import ray.exceptions

AGAIN = "run the command again: it goes on with the parts that are missing"


def score_on_ray(
    job: Job, parts: Sequence[FilePart], *, address: str | None = None
) -> Generator[PartResult, None, None]:
    """Make parts on a cluster, and yield each result when it is done.

    Without an address, use RAY_ADDRESS. Without both, start a cluster on this machine and end it. A lost cluster or a
    part that fails raises ChurnError.
    """
    if not parts:
        return
    with _connect(address):
        # One block for each part makes one task of each.
        numbered = ray.data.from_items([{"at": at} for at in range(len(parts))], override_num_blocks=len(parts))
        # The parts travel to each node once; a row holds only the place of its part.
        score = functools.partial(_score, job=job, parts=ray.put(tuple(parts)), businesses=export_folders())
        results = numbered.map(score)
        for row in results.iter_rows():
            if error := row["error"]:
                raise _FailedError(error)
            yield PartResult(**row["result"])


class _FailedError(ChurnError):
    """Carry the error of a task to the driver."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"], instead=error["instead"])
        self.exit_code = error["exit_code"]


def _score(
    row: dict[str, int], job: Job, parts: ray.ObjectRef[tuple[FilePart, ...]], businesses: dict[str, str]
) -> dict[str, Any]:
    """Run one task. Return a ChurnError as a row: Ray would bury it in an error of its own."""
    os.environ.update(businesses)
    try:
        result = score_part(job, ray.get(parts)[row["at"]])
    except ChurnError as error:
        fields = {"message": error.message, "instead": error.instead, "exit_code": error.exit_code}
        return {"result": asdict(PartResult()), "error": fields}
    return {"result": asdict(result), "error": None}


@contextmanager
def _connect(address: str | None) -> Iterator[None]:
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the command line shows its own
    try:
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise ChurnError(
            f"there is no Ray cluster at {address}: {error}", instead="start one, or mend --ray-address"
        ) from error
    try:
        with redirect_stdout(sys.stderr):  # Ray prints lost workers to stdout, which scripts read
            yield
    except ray.exceptions.RayError as error:
        raise ChurnError(f"the Ray cluster failed: {str(error).splitlines()[0]}", instead=AGAIN) from error
    finally:
        ray.shutdown()
