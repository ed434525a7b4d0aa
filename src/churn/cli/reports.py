"""Write reports to files: the ending of a name says whether a page, JSON or a picture is meant."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn.cli.extras import require_extra
from churn.cli.show import say
from churn.errors import DataError, SettingsError
from churn.files import encode_json, write_bytes

if TYPE_CHECKING:
    from churn.dashboard.report import Report

# ruff: noqa: PLC0415 - what draws is an extra

PAGE, FIGURES, PICTURE = ".html", ".json", ".png"
FORMS = (PAGE, FIGURES, PICTURE)


def require_forms(paths: Sequence[Path] | None, forms: Sequence[str] = FORMS) -> Sequence[Path]:
    """Return the files that `--out` names, or refuse them before any work is done.

    Raises:
        SettingsError: a name ends otherwise than `forms` do.
        ChurnError: the extra that draws is missing.
    """
    for path in paths or ():
        if path.suffix not in forms:
            endings = f"{', '.join(forms[:-1])} or {forms[-1]}"
            raise SettingsError(f"--out: {path} has no known ending", instead=f"let it end in {endings}")
        if path.suffix in {PAGE, PICTURE}:
            require_extra("report", "jinja2", "vl_convert")
    return paths or ()


def name_left_out(damaged: Sequence[DataError]) -> dict[str, list[str]]:
    """Return what the figures for scripts say of segments that are left out."""
    return {"left_out": [error.message for error in damaged]}


def write_report(
    paths: Sequence[Path],
    figures: Any,
    report: Callable[[], Report] | None,
    others: Mapping[str, Callable[[], bytes]] | None = None,
    damaged: Sequence[DataError] = (),
) -> None:
    """Write each file in its form.

    Args:
        paths: which `require_forms` let pass.
        figures: what `--json` prints.
        report: makes what a page or a picture shows; None if there is nothing to show, and then neither is written.
        others: what a command writes beside these, by ending.
        damaged: the segments of the log that are left out; a page or a picture says so.
    """
    makers: dict[str, Callable[[], bytes]] = {FIGURES: lambda: encode_json(figures), **(others or {})}
    if report is not None and any(path.suffix not in makers for path in paths):
        from churn.dashboard.report import draw_report, render_report
        from churn.prediction_log.reader import describe_left_out

        shown = replace(report(), warning=describe_left_out(damaged)) if damaged else report()
        makers[PAGE] = lambda: render_report(shown, time.time()).encode()
        makers[PICTURE] = lambda: draw_report(shown)
    for path in paths:
        if make := makers.get(path.suffix):
            write_bytes(path, make())
            say(f"wrote {path}")
