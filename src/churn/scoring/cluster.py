"""Parts by a Ray cluster: the same function over the same parts, each a task that Ray repeats if its worker is lost.

Every node must see the input, the output folder and the bundle at the same paths, and have this package installed.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from typing import Any

from churn.errors import ChurnError
from churn.reading.sources import FilePart
from churn.scoring.parts import Job, PartResult, score_part

# Told before it is imported, Ray does not report its use to its makers.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
import ray.data
import ray.exceptions

AGAIN = "run the command again: it goes on with the parts that are missing"


def score_on_ray(
    job: Job, parts: Sequence[FilePart], *, address: str | None = None
) -> Generator[PartResult, None, None]:
    """Makes parts on a cluster, and tells what became of each as it is done.

    Args:
        job: what is the same for all.
        parts: what to make.
        address: of the cluster, such as `auto`. Without it RAY_ADDRESS says where; if that is not set either, a cluster
            is started on this machine, and ended.

    Raises:
        ChurnError: the cluster cannot be reached or was lost, or a part could not be made.
    """
    if not parts:
        return
    with _connect(address):
        # One block for each part makes one task of each.
        numbered = ray.data.from_items([{"at": at} for at in range(len(parts))], override_num_blocks=len(parts))
        # The parts travel to each node once; a row says only which of them is meant.
        outcomes = numbered.map(functools.partial(_score, job=job, parts=ray.put(tuple(parts))))
        for found in outcomes.iter_rows():
            if error := found["error"]:
                raise _FailedError(error)
            yield PartResult(**found["outcome"])


class _FailedError(ChurnError):
    """A part that could not be made, with the error of the task that tried."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"], instead=error["instead"])
        self.exit_code = error["exit_code"]


def _score(row: dict[str, int], job: Job, parts: ray.ObjectRef[tuple[FilePart, ...]]) -> dict[str, Any]:
    """The task. What can be told to a user comes back as a row, since Ray would bury it in an error of its own."""
    try:
        outcome = score_part(job, ray.get(parts)[row["at"]])
    except ChurnError as error:
        told = {"message": error.message, "instead": error.instead, "exit_code": error.exit_code}
        return {"outcome": asdict(PartResult()), "error": told}
    return {"outcome": asdict(outcome), "error": None}


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
        with redirect_stdout(sys.stderr):  # where Ray tells of workers that were lost, amid what scripts read
            yield
    except ray.exceptions.RayError as error:
        raise ChurnError(f"the Ray cluster failed: {str(error).splitlines()[0]}", instead=AGAIN) from error
    finally:
        ray.shutdown()
