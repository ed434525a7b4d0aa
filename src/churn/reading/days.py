"""The day to which the dates of a file are counted: who says it."""

from collections.abc import Container
from datetime import date
from pathlib import Path

from churn.contract.declaration import Contract
from churn.contract.deriving import require_as_of
from churn.errors import DataError

COLUMN = "column "


def choose_as_of(
    contract: type[Contract], path: Path, header: Container[str], as_of: date | None, otherwise: date | None = None
) -> str | None:
    """Return the day to which the file's dates are counted, or the column that says it; None if it has no dates.

    Args:
        contract: what may say it, too.
        path: of the file.
        header: its columns.
        as_of: the day that somebody stated with the command.
        otherwise: where neither the command nor the file says it; the contract's if not given.

    Raises:
        DataError: nobody says it, or two do.
    """
    if not any(spec.find_names(header) for spec in contract.dates):
        if as_of is not None:
            raise DataError(f"{path} has no dates that count to {as_of}", instead="leave out --as-of")
        return None
    if contract.as_of_column not in header or not contract.as_of_column:
        return require_as_of(contract, as_of or otherwise).isoformat()
    if as_of is not None:
        raise DataError(
            f"--as-of says {as_of}, and {path} has the column {contract.as_of_column!r}, which says it for each row",
            instead="leave out --as-of, or the column",
        )
    return f"{COLUMN}{contract.as_of_column}"


def describe_as_of(as_of: str) -> str:
    """Say in a sentence to which day dates are counted."""
    return f"dates are counted to {as_of.replace(COLUMN, 'the day in the column ', 1)}"
