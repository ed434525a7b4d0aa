"""Writing so that a reader never sees half of it: under a temporary name first, then renamed."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNFINISHED = ".unfinished-"
STEP = "  "


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all, with these permissions; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # the user's name for it, not the temporary one
        raise
    finally:
        temporary.unlink(missing_ok=True)


def encode_json(content: Any) -> bytes:
    """Encode JSON as the project stores it: indented, keys in the order given, NaN refused."""
    return (json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def encode_samples(content: Any) -> bytes:
    """Encode JSON in which each element of a list has one line, so that a change of measured data can be read."""
    return f"{_text_from_samples(content, STEP)}\n".encode()


def _text_from_samples(value: Any, indent: str) -> str:
    if isinstance(value, dict) and value:
        opened, closed = "{}"
        lines = [f"{_encode_line(key)}: {_text_from_samples(item, indent + STEP)}" for key, item in value.items()]
    elif isinstance(value, list) and value:
        opened, closed = "[]"
        lines = [_encode_line(item) for item in value]
    else:
        return _encode_line(value)
    inner = ",\n".join(f"{indent}{line}" for line in lines)
    return f"{opened}\n{inner}\n{indent.removesuffix(STEP)}{closed}"


def _encode_line(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


@contextmanager
def replace_directory(path: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes `path` when the block ends well, and vanishes when it does not.

    A directory that stood at `path` is replaced only then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=path.parent))
    try:
        fresh = workspace / "new"
        fresh.mkdir()
        yield fresh
        if path.exists():
            path.rename(workspace / "old")
        fresh.rename(path)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def point_link(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to `target`, a sibling, in one step."""
    temporary = link.with_name(f"{UNFINISHED}{link.name}-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target.name)
    temporary.replace(link)


def hash_file(path: Path) -> str:
    """Return the file's SHA-256 as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def create_nameless_file(name: str, *, is_sealable: bool = False) -> int:
    """Return the descriptor of a file in memory where the system has that: it needs no folder, and leaves nothing.

    The name is for lists of open files. A file that is sealable can be made unchangeable, on Linux.
    """
    if sys.platform == "linux":
        return os.memfd_create(name, os.MFD_CLOEXEC | (os.MFD_ALLOW_SEALING if is_sealable else 0))
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
