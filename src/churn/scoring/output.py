"""The output folder: bind it to its input, clean it, empty it.

part-00000.parquet             answers
_rejects/part-00000.parquet    rows without an answer, where there are any
_progress.json                 what the answers were made of
_summary.json                  how it went; written last
"""

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
    """Return path, size and time of change of each file, to notice a change."""
    stats = ((source.path, source.path.stat()) for source in sources)
    return [{"path": str(path), "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns} for path, stat in stats]


def bind_folder(out: Path, bound: Mapping[str, Any], *, overwrite: bool) -> None:
    """Make the folder, or check that its output depends on the same `bound` values.

    Raises:
        DataError: its output was made with other values; the message names them.
        SettingsError: the folder holds foreign files. Nothing is deleted.
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
    try:
        before = dict(json.loads(progress.read_bytes()))
    except ValueError as error:
        raise DataError(f"{progress} is damaged", instead=ANEW) from error
    if differs := [name for name in {**before, **bound} if before.get(name) != bound.get(name)]:
        raise DataError(f"{out} was begun with another {' and another '.join(differs)}", instead=ANEW)


def remove_unfinished(out: Path) -> None:
    """Delete what a killed process had begun to write."""
    for folder in (out, out / REJECTS):
        for path in folder.glob(f"{UNFINISHED}*"):
            path.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    known = path.name in {PROGRESS, SUMMARY, REJECTS}
    return known or path.name.startswith(UNFINISHED) or path.match(PARTS)


def _empty(out: Path) -> None:
    """Delete an earlier output. `_progress.json` goes last: it says what a remaining half was made of."""
    remove_unfinished(out)
    (out / SUMMARY).unlink(missing_ok=True)
    shutil.rmtree(out / REJECTS, ignore_errors=True)
    for path in out.glob(PARTS):
        path.unlink()
    (out / PROGRESS).unlink(missing_ok=True)
