"""One retraining of a contract at a time on a machine."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn.errors import ChurnError, ExitCode
from churn.retraining.standing import locate_standing


class AtWork(ChurnError):  # noqa: N818 - says what is the case
    """Another process retrains this contract."""

    exit_code = ExitCode.NOT_OVER


@contextmanager
def lock_retraining(home: Path, contract: str) -> Iterator[None]:
    """Hold the lock of a contract. Raise AtWork if somebody else does, OSError if the folder cannot be written."""
    path = locate_standing(home, contract).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AtWork(
                f"another process retrains {contract}", instead="wait until it ends; see `churn retrain status`"
            ) from error
        yield
