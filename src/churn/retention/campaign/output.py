"""A simulation as files: the subscribers, the figures, the picture. The folder appears whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from churn.errors import SettingsError
from churn.files import encode_json, replace_directory, write_bytes
from churn.retention.campaign.plot import offers_plot, svg
from churn.retention.campaign.simulation import SubscriberLine

LINES, SUMMARY, PICTURE = "offers.csv", "summary.json", "offers.svg"


def require_room(folder: Path) -> None:
    """Refuses to replace what an earlier simulation did not write.

    Raises:
        SettingsError: names what is in the way.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is no folder", instead="give a new folder")
    ours = {LINES, SUMMARY, PICTURE}
    if folder.is_dir() and (foreign := sorted(path.name for path in folder.iterdir() if path.name not in ours)):
        raise SettingsError(f"{folder} holds other files, such as {foreign[0]}", instead="give a new or empty folder")


def write(folder: Path, summary: Mapping[str, Any], lines: Iterable[SubscriberLine]) -> None:
    """Writes the folder; an earlier simulation in it is replaced."""
    require_room(folder)
    with replace_directory(folder) as fresh:
        write_bytes(fresh / LINES, _csv(lines))
        write_bytes(fresh / SUMMARY, encode_json(summary))
        write_bytes(fresh / PICTURE, svg(offers_plot(summary)))


def _csv(lines: Iterable[SubscriberLine]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SubscriberLine._fields)
    writer.writerows(lines)
    return text.getvalue().encode()
