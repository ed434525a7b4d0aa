"""Standard input, output and error of a program: closed, full, or without a reader, as its user leaves them."""

import contextlib
import os
import sys


def hold_streams() -> None:
    """Take the places of streams that are closed, so that no other file gets their numbers.

    They can be neither read nor written; who tries gets an error of the operating system.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            taken = os.open(os.devnull, os.O_RDONLY if descriptor else os.O_WRONLY)
            os.set_inheritable(taken, True)  # noqa: FBT003 - it takes no keyword
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def settle_streams() -> None:
    """Drop what cannot be written, or the interpreter would complain about it at its end."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, descriptor)
