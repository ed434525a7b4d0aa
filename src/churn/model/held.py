"""The files of a bundle, in memory. They were verified, and stay the same when the folder changes or vanishes.

The memory is a file without a name that nobody can write to any more. Processes that are handed it map the same pages:
the tables exist once, however many workers answer from them.
"""

import fcntl
import mmap
import os
import stat
import sys
import weakref
from collections.abc import Iterator, Mapping
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from churn.errors import BundleError
from churn.files import create_nameless_file

MOST_BYTES = 2**30
"""Of all files together; the largest tables and the model that they are made of take a tenth."""
ALIGNED_BYTES = 64  # each file begins so, as the numbers in it do


class HeldFiles(Mapping[str, memoryview]):
    """The contents of files by name. They can be pickled for a process that is being spawned, and only for that.

    Args:
        contents: to copy; at least one byte in all.
    """

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        file = create_nameless_file("churn-bundle", is_sealable=True)
        places, end = {}, 0
        for name, content in contents.items():
            begin = -(-end // ALIGNED_BYTES) * ALIGNED_BYTES
            places[name] = (begin, end := begin + len(content))
            with memoryview(content) as rest:
                while begin < end:
                    begin += os.pwrite(file, rest[begin - end :], begin)
        if sys.platform == "linux":
            seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
        self._map(places, file)

    def _map(self, places: Mapping[str, tuple[int, int]], file: int) -> None:
        self._places, self._file = places, file
        # Private, since older kernels refuse to share what is sealed; pages that nobody writes are one copy anyway.
        self._memory = memoryview(mmap.mmap(file, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))
        weakref.finalize(self, os.close, file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_held_files, (self._places, DupFd(self._file))

    def __getitem__(self, name: str) -> memoryview:
        begin, end = self._places[name]
        return self._memory[begin:end]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_file(path: Path, *, most_bytes: int, instead: str) -> bytes:
    """Read a file of a bundle.

    Raises:
        BundleError: it cannot be read, is no file, or is larger than `most_bytes`; says what to do `instead`.
    """
    try:
        # Not waiting for a writer, if it is a pipe that lies there.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BundleError(f"{path} cannot be read: it is no file", instead=instead)
            if status.st_size > most_bytes:
                raise BundleError(f"{path} cannot be read: it is larger than {most_bytes} bytes", instead=instead)
            return file.read(status.st_size)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", instead=instead) from error


def _rebuild_held_files(places: Mapping[str, tuple[int, int]], file: Any) -> HeldFiles:
    files = HeldFiles.__new__(HeldFiles)
    files._map(places, file.detach())  # noqa: SLF001 - its other constructor
    return files
