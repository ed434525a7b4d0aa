"""Commands on training data: `churn data demo`, `churn data check`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_training_extra
from churn.cli.options import AsOfOption, ContractOption, DataArgument, JsonOption, StrictOption, day_from_option
from churn.cli.show import err, out, print_json, print_table, say
from churn.contract.declaration import Contract
from churn.contract.demo import DemoVersion
from churn.errors import DataError
from churn.files import write_bytes
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.training.data import TrainingData

# The training libraries take seconds to import and are an extra, so each command imports what it needs itself.
# ruff: noqa: PLC0415

data_app = typer.Typer(name="data", help="Make and check training data.", no_args_is_help=True)


@data_app.command("demo", epilog="Example: churn data demo --version streamflow-v3-2024-03")
def data_demo(
    contract: ContractOption = "streamflow",
    version: Annotated[str | None, typer.Option(help="Which version; the first if not given.")] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="The file; by default data/VERSION.csv under CHURN_HOME.")
    ] = None,
) -> None:
    """Make synthetic data by the contract's documented process; the same version is the same file, byte for byte."""
    chosen = find_contract(contract)
    out.print(str(make_demo_file(chosen, version or find_first_demo(chosen)[0], read_settings(), to)))


@data_app.command("check", epilog="Example: churn data check customers.csv --contract telco")
def data_check(
    data: DataArgument,
    contract: ContractOption = "streamflow",
    *,
    as_of: AsOfOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check a data file against the contract and show all that is wrong with it."""
    read = read_data(find_contract(contract), data, strict=strict, as_of=day_from_option(as_of), as_json=as_json)
    left = int(read.labels.sum())
    if as_json:
        found = {"valid": True, "rows": len(read.labels), "left": left, "sha256": read.sha256, "problems": []}
        counts = read.counts
        others = {name: dict(cells) for name, cells in counts.others.items()} if counts else {}
        if read.as_of:
            found["as_of"] = read.as_of
        print_json(found | {"blanks": dict(counts.blanks) if counts else {}, "others": others})
    else:
        out.print(f"{data} is valid: {len(read.labels)} rows, {left} of them left")


def read_data(
    contract: type[Contract],
    path: Path,
    *,
    version: str | None = None,
    strict: bool = False,
    as_of: date | None = None,
    as_json: bool = False,
) -> TrainingData:
    """Read a valid file; of an invalid one shows the table of problems before the error goes on.

    Says what is not looked at, is blank, or is taken as another category, and to which day dates are counted. `strict`
    refuses columns that nobody reads.
    """
    require_training_extra()
    from churn.reading.days import describe_as_of
    from churn.reading.recognition import name_unread
    from churn.training.data import read_training_data

    with show_problems(as_json=as_json):
        data = read_training_data(contract, path, version=version, strict=strict, as_of=as_of)
    if data.unread:
        say(name_unread(data.unread))
    if data.as_of:
        say(describe_as_of(data.as_of))
    for sentence in (*(data.counts.describe() if data.counts else ()), *data.group().describe()):
        say(sentence)
    return data


@contextmanager
def show_problems(*, as_json: bool = False) -> Iterator[None]:
    """Show the table of what is wrong with a file before the error goes on."""
    from churn.training.data import InvalidData

    try:
        yield
    except InvalidData as error:
        if as_json:
            print_json({"valid": False, "problems": [asdict(problem) for problem in error.problems]})
        else:
            print_table("What is wrong", ["column", "check", "count", "first lines"], [
                [problem.column, problem.check, problem.count, ", ".join(map(str, problem.lines)) or "-"]
                for problem in error.problems
            ], to=err)  # fmt: skip
        raise


def find_first_demo(contract: type[Contract]) -> tuple[str, DemoVersion]:
    """Return the name of the contract's oldest demo data, and what it is. Raise DataError if it has none."""
    if contract.demo is None:
        raise DataError(
            f"the contract {contract.contract_name} has no demo data", instead="give the path of a data file"
        )
    return next(iter(contract.demo.versions.items()))


def make_demo_file(contract: type[Contract], version: str, settings: Settings, to: Path | None = None) -> Path:
    """Write demo data, whole or not at all; returns where."""
    require_training_extra()
    from churn.training.synthetic import make_demo_csv

    path = to or settings.churn_home / "data" / f"{version}.csv"
    write_bytes(path, make_demo_csv(contract, version))
    return path


def recognise_demo(contract: type[Contract], data: TrainingData) -> str | None:
    """Return which demo data this file is, byte for byte; None if it is none."""
    from churn.training.synthetic import make_demo_csv

    versions = contract.demo.versions if contract.demo else {}
    return next((v for v in versions if hashlib.sha256(make_demo_csv(contract, v)).hexdigest() == data.sha256), None)
