"""The folder that is written: what it is bound to, which parts it has, and how it is emptied.

part-00000.parquet             answers
_rejects/part-00000.parquet    rows without an answer, where there are any
_progress.json                 what the answers were made of
_summary.json                  how it went; written last
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn.errors import DataError, SettingsError
from churn.files import UNFINISHED, encode_json, write_bytes
from churn.reading.sources import SourceFile
from churn.scoring.parts import REJECTS

PROGRESS, SUMMARY = "_progress.json", "_summary.json"
PARTS = "part-*.parquet"
ANEW = "start anew with --overwrite, or write to another folder"


def describe_inputs(sources: list[SourceFile]) -> list[dict[str, Any]]:
    """What tells a file from the one that it was: path, bytes, and when it was written."""
    return [
        {"path": str(source.path), "bytes": found.st_size, "modified_ns": found.st_mtime_ns}
        for source in sources
        for found in [source.path.stat()]
    ]


def bind_folder(out: Path, bound: Mapping[str, Any], *, overwrite: bool) -> None:
    """Makes the folder, or makes sure that what it holds was made of the same.

    Args:
        out: the folder; it may be missing or empty, or hold an earlier output.
        bound: what the answers depend on, by name.
        overwrite: whether to delete an earlier output first.

    Raises:
        DataError: what it holds was made of something else; the message names what differs.
        SettingsError: the folder holds what is not ours, and which we do not touch.
    """
    if out.is_dir() and (foreign := sorted(path.name for path in out.iterdir() if not _is_ours(path))):
        raise SettingsError(f"{out} holds other files, such as {foreign[0]}", instead="give a new or empty folder")
    if overwrite:
        _empty(out)
    progress = out / PROGRESS
    if not progress.exists():
        if any(out.glob(PARTS)):
            raise DataError(f"{progress} is missing, so nobody knows what the parts were made of", instead=ANEW)
        write_bytes(progress, encode_json(bound))
        return
    remove_unfinished(out)
    before = _read(progress)
    if differs := [name for name in {**before, **bound} if before.get(name) != bound.get(name)]:
        raise DataError(f"{out} was begun with another {' and another '.join(differs)}", instead=ANEW)


def remove_unfinished(out: Path) -> None:
    """Deletes what a process that was killed had begun to write."""
    for folder in (out, out / REJECTS):
        for path in folder.glob(f"{UNFINISHED}*"):
            path.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    known = path.name in {PROGRESS, SUMMARY, REJECTS}
    return known or path.name.startswith(UNFINISHED) or path.match(PARTS)


def _empty(out: Path) -> None:
    """Deletes an earlier output; what binds it goes last, lest half of it look like something else."""
    remove_unfinished(out)
    (out / SUMMARY).unlink(missing_ok=True)
    shutil.rmtree(out / REJECTS, ignore_errors=True)
    for path in out.glob(PARTS):
        path.unlink()
    (out / PROGRESS).unlink(missing_ok=True)


def _read(progress: Path) -> dict[str, Any]:
    try:
        content = json.loads(progress.read_bytes())
    except ValueError as error:
        raise DataError(f"{progress} is damaged", instead=ANEW) from error
    return dict(content)
