"""The command `churn score`: files of subscribers in, a folder of answers out."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from churn.cli.extras import require_extra
from churn.cli.options import JsonOption, ScoredAsOfOption, StrictOption, day_from_option
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.cpus import count_usable_cpus
from churn.errors import SettingsError
from churn.judging.metrics import TOP_REASONS
from churn.model.bundle import load_bundle
from churn.model.threshold import find_threshold
from churn.settings import read_settings

if TYPE_CHECKING:
    from churn.scoring.run import Engine

# ruff: noqa: PLC0415 - what reads files and what speaks to clusters are extras

type EngineName = Literal["local", "ray"]

app = typer.Typer()


@app.command(epilog="Example: churn score subscribers.parquet --out scored --reasons 5")
def score(  # noqa: PLR0917 - typer reads options from parameters
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A .csv, .parquet, .arrow or .feather file, or a folder of such files of one format.",
            show_default=False,
        ),
    ],
    out_path: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder to write.", show_default=False)],
    bundle: Annotated[
        Path | None, typer.Option(help="The bundle's directory; by default the one that `churn serve` would serve.")
    ] = None,
    reasons: Annotated[int, typer.Option(min=0, help="How many reasons to give for each row.")] = TOP_REASONS,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one for each usable CPU.", show_default=False)
    ] = None,
    part_rows: Annotated[int, typer.Option(min=1, help="How many rows of a file become one part.")] = 100_000,
    max_reject_share: Annotated[
        float, typer.Option(min=0, max=1, help="Fail if more than this share of the rows are rejects.")
    ] = 1.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete an earlier run's output.")] = False,  # noqa: FBT002
    engine: Annotated[EngineName, typer.Option(help="Processes of this machine, or a Ray cluster.")] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(help="The cluster, such as `auto` or host:6379; by default one on this machine."),
    ] = None,
    as_of: ScoredAsOfOption = None,
    strict: StrictOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Answer files of subscribers as `POST /predict` would. A stopped run goes on when it is started again."""
    require_extra("scoring", "pyarrow")
    engine_function = _choose_engine(engine, workers, ray_address)
    from churn.scoring.run import Request
    from churn.scoring.run import score as run

    settings = read_settings()
    loaded = load_bundle(bundle or settings.bundle_path, settings.bundle_keys)
    loaded.require_version(settings.model_version)
    request = Request(
        source=source,
        out=out_path,
        bundle=loaded,
        threshold=find_threshold(loaded.model, settings.churn_threshold).probability,
        reasons=reasons,
        part_rows=part_rows,
        max_reject_share=max_reject_share,
        overwrite=overwrite,
        strict=strict,
        as_of=day_from_option(as_of),
    )
    say(f"scoring {source} with {request.bundle.manifest.model_version}")
    with show_progress("rows") as move:
        summary = run(request, engine_function, say=say, progress=_with_rate(move))
    if as_json:
        print_json(summary)
    else:
        _show(summary, out_path)


def _choose_engine(name: EngineName, workers: int | None, ray_address: str | None) -> Engine:
    if name == "ray":
        if workers is not None:
            raise SettingsError("--workers is for this machine's processes", instead="a Ray cluster knows its own CPUs")
        require_extra("ray", "ray", "pyarrow")
        from churn.scoring.cluster import score_on_ray

        return functools.partial(score_on_ray, address=ray_address)
    if ray_address is not None:
        raise SettingsError("--ray-address was given without --engine ray", instead="give both or neither")
    from churn.scoring.local import score_locally

    return functools.partial(score_locally, workers=workers or count_usable_cpus())


def _with_rate(move: Callable[[int, int, str], None]) -> Callable[[int, int], None]:
    """Show the rate since the first move: an earlier run made the rows before it."""
    start: tuple[float, int] | None = None

    def move_with_rate(done: int, total: int) -> None:
        nonlocal start
        start = start or (time.perf_counter(), done)
        seconds, rows = time.perf_counter() - start[0], done - start[1]
        move(done, total, f"rows, {rows / seconds:,.0f} a second" if rows else "rows")

    return move_with_rate


def _show(summary: dict[str, Any], folder: Path) -> None:
    rows = [
        ["rows", f"{summary['rows']:,}"],
        ["answered", f"{summary['scored']:,}"],
        ["rejects", f"{summary['rejected']:,}"],
        *([f"tier {tier}", f"{count:,}"] for tier, count in summary["tiers"].items()),
        ["banner shown", f"{summary['banner']:,}"],
        ["seconds", f"{summary['seconds']:.1f}"],
        ["rows a second", f"{summary['rows_per_second']:,}"],
    ]
    print_table(f"Scored with {summary['model_version']}", ["", "count"], rows)
    out.print(f"written to {folder}")
    if summary["rejected"]:
        out.print(f"rows without an answer, and why: {folder / '_rejects'}")
