"""The options and arguments that more than one command has."""

import getpass
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from churn.businesses import name_contracts
from churn.errors import SettingsError

UNITS = {"m": "minutes", "h": "hours", "d": "days"}

ContractOption = Annotated[
    str, typer.Option("--contract", envvar="CHURN_CONTRACT", help=f"Which contract: {name_contracts()}.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def _declare_as_of(otherwise: str) -> Any:
    """Declare --as-of, with what counts if it is not given."""
    return typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help=f"The day to which dates are counted; {otherwise}.",
        show_default=False,
    )


AsOfOption = Annotated[datetime | None, _declare_as_of("what the file or the contract says if not given")]
ScoredAsOfOption = Annotated[datetime | None, _declare_as_of("what the file says if not given, else today, in UTC")]
DraftedAsOfOption = Annotated[datetime | None, _declare_as_of("the file's latest date up to today if not given")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse columns that nobody reads.")]
SinceOption = Annotated[
    str | None,
    typer.Option(help="From when on, such as `24h`, `7d` or `2026-03-10T09:00`; UTC. All by default."),
]
ReportOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Also write the report to this file, as its ending says: .html, .json or .png. Repeat it for several.",
    ),
]
DataArgument = Annotated[Path, typer.Argument(help="A .csv or .parquet file.", show_default=False)]
VersionArgument = Annotated[
    str, typer.Argument(help="The model's version, such as v2.4.0, or its number in the registry.")
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="The registered model; the contract's own, CONTRACT-churn-predictor, if not given."),
]


def day_from_option(moment: datetime | None) -> date | None:
    """Return the day that an option states."""
    return moment.date() if moment else None


# Of images.
BaseImageOption = Annotated[
    str, typer.Option(help="A Python image; by digest, such as name@sha256:..., it stays the same.")
]
SourceOption = Annotated[
    Path | None, typer.Option(help="The project's checkout; where the working directory lies if not given.")
]
BuildNetworkOption = Annotated[
    str | None, typer.Option(help="The builder's network, such as `host`; Docker's choice if not given.")
]
CaFileOption = Annotated[
    Path | None, typer.Option(help="Certificates for a proxy that opens TLS; they do not get into the image.")
]

# Of rollouts.
ServiceOption = Annotated[str, typer.Option(help="The service; it has one rollout at a time.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it is recorded.")]
OverrideOption = Annotated[bool, typer.Option("--override", help="Start outside the release window; needs --reason.")]
WithoutPairsOption = Annotated[
    bool, typer.Option("--without-pairs", help="Start although the model's checks will hold; needs --reason.")
]
DespiteForecastOption = Annotated[
    bool, typer.Option("--despite-forecast", help="Start although the plan is not expected to end; needs --reason.")
]
RegistryOption = Annotated[
    bool, typer.Option(help="Hold the release gates first, and move the alias `champion` at the end.")
]
OptionalReason = Annotated[str | None, typer.Option("--reason", help="Why; it is recorded.")]


def require_reason(option: str, reason: str | None) -> str:
    """Return the reason that goes with an option such as `--force`. Raise SettingsError if there is none."""
    if reason is None or not reason.strip():
        raise SettingsError(f"{option} was given without a reason", instead="say why with --reason; it is recorded")
    return reason


def time_from_text(text: str | None, now: datetime) -> datetime | None:
    """Read an option such as `--since`: so long ago, such as 24h, or a time in UTC. All else raises SettingsError."""
    if text is None:
        return None
    try:
        if ago := re.fullmatch(r"(\d+)([mhd])", text):
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise SettingsError(
            f"{text!r} is no point in time", instead="give one such as 90m, 24h, 7d, or 2026-03-10T09:00"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def get_user() -> str:
    """Return who is at the command line; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
