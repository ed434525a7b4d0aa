"""The way of bulk scoring: find the files, bind the folder, make missing parts, sum up."""

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from churn.clocks import find_today
from churn.errors import DataError, SettingsError
from churn.files import encode_json, write_bytes
from churn.model.bundle import Bundle
from churn.reading.days import choose_as_of, describe_as_of
from churn.reading.recognition import name_unread
from churn.reading.sources import FilePart, SourceFile, cut_into_parts, describe_absent, find_sources, require_features
from churn.scoring.output import SUMMARY, bind_folder, describe_inputs, remove_unfinished
from churn.scoring.parts import Job, PartResult, part_path, read_part_result

PART_ROWS = 100_000

type Engine = Callable[[Job, Sequence[FilePart]], Generator[PartResult, None, None]]
type OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What to score, and how."""

    source: Path  # a file, or a folder of files
    out: Path
    bundle: Bundle
    threshold: float  # of the banner
    reasons: int  # for each row, at most one for each feature
    part_rows: int = PART_ROWS
    max_reject_share: float = 1.0
    overwrite: bool = False  # delete an earlier output first
    strict: bool = False  # refuse columns that are not looked at
    as_of: date | None = None  # to which dates are counted; today in UTC if not given


def score(
    request: Request,
    engine: Engine,
    *,
    say: Callable[[str], None] = lambda _: None,
    progress: OnProgress = lambda *_: None,
) -> dict[str, Any]:
    """Score the parts that are missing, and return the summary as written.

    `engine` yields a result for each part, in any order. `progress` gets rows done and rows in all.

    Raises:
        DataError: the input cannot be read, the folder depends on other values, or too many rows are rejects.
        SettingsError: the folder cannot be used, or there are fewer features than reasons.
        ChurnError: the engine was lost. Finished parts stay, and the next call makes the others.
    """
    started = time.perf_counter()
    sources = find_sources(request.source)
    _require_sense(request)
    if extra := require_features(request.bundle.model.contract, sources, strict=request.strict):
        say(name_unread(extra))
    for sentence in describe_absent(request.bundle.model.contract, sources):
        say(sentence)
    as_of = _choose_as_of(request, sources, say)
    before = describe_inputs(sources)
    parts = list(cut_into_parts(sources, request.part_rows))
    # Resolve: `champion` is a link, and may point elsewhere before the end.
    out, bundle = request.out.resolve(), request.bundle.path.resolve()
    job = Job(out, bundle, request.bundle.sha256, request.threshold, request.reasons, as_of)
    bound = {
        "input": before,
        "bundle": job.bundle_sha256,
        "threshold": job.threshold,
        "number of reasons": job.reasons,
        "number of rows in a part": request.part_rows,
        **({"day that dates are counted to": as_of.isoformat()} if as_of else {}),
    }
    bind_folder(request.out, bound, overwrite=request.overwrite)
    made = {part.number for part in parts if part_path(job.out, part.number).exists()}
    total = sum(part.span.rows for part in parts)
    result = sum((read_part_result(part_path(job.out, number)) for number in sorted(made)), PartResult())
    if made:
        say(f"going on: {len(made)} of {len(parts)} parts are there")
    missing = [part for part in parts if part.number not in made]
    reused_rows = result.rows
    try:
        progress(result.rows, total)
        # Close before cleaning: an interrupted engine still has parts in hand.
        with contextlib.closing(engine(job, missing)) as part_results:
            for part_result in part_results:
                result += part_result
                progress(result.rows, total)
                _require_few_rejects(request, result.rejected, total)
    finally:
        remove_unfinished(job.out)
    _require_few_rejects(request, result.rejected, total)
    if describe_inputs(sources) != before:
        raise DataError("the input has changed while it was scored", instead="start anew with --overwrite")
    seconds = time.perf_counter() - started
    summary = {
        "rows": result.rows,
        "scored": result.rows - result.rejected,
        "rejected": result.rejected,
        "tiers": {"low": result.low, "medium": result.medium, "high": result.high},
        "banner": result.banner,
        "model_version": request.bundle.manifest.model_version,
        "bundle_sha256": job.bundle_sha256,
        **({"as_of": as_of.isoformat()} if as_of else {}),
        "parts": len(parts),
        "parts_reused": len(made),
        "seconds": round(seconds, 3),
        "rows_per_second": round((result.rows - reused_rows) / seconds),
    }
    write_bytes(job.out / SUMMARY, encode_json(summary))
    return summary


def _choose_as_of(request: Request, sources: Sequence[SourceFile], say: Callable[[str], None]) -> date | None:
    """Return the day to which dates are counted where no row says it, today if not stated; None if no row needs it."""
    contract, day = request.bundle.model.contract, request.as_of or find_today()
    stated = {choose_as_of(contract, source.path, source.columns, request.as_of, otherwise=day) for source in sources}
    for text in sorted(filter(None, stated)):
        say(describe_as_of(text))
    return day if day.isoformat() in stated else None


def _require_sense(request: Request) -> None:
    most = len(request.bundle.model.contract.features)
    if not 0 <= request.reasons <= most:
        raise SettingsError(f"there cannot be {request.reasons} reasons", instead=f"ask for 0 to {most} of them")
    source, out = request.source.resolve(), request.out.resolve()
    if out.exists() and not out.is_dir():
        raise SettingsError(f"{out} is no folder", instead="give the folder to write to")
    if source == out or (source.is_dir() and source in out.parents) or out in source.parents:
        raise SettingsError(f"{source} and {out} lie one in the other", instead="write to a folder of its own")


def _require_few_rejects(request: Request, rejected: int, total: int) -> None:
    if rejected > request.max_reject_share * total:
        raise DataError(
            f"at least {rejected:,} of {total:,} rows are rejects, more than a share of {request.max_reject_share:g}",
            instead=f"look at the errors in {request.out / '_rejects'}, or allow a larger share; what was made stays",
        )
