"""Rows that a bundle is compared on before it is sealed, as somebody handed them in. They are never kept in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract, Rows
from churn.errors import BundleError, DataError
from churn.reading.whole import read_bytes
from churn.training.data import (
    DataProblem,
    InvalidData,
    ProblemCollector,
    check_cells,
    find_missing,
    read_rows,
    read_subscriber,
)

PROBABILITY = "churn_probability"
MOST_ROWS = 100_000
FEWEST_DECIMALS = 4
TOLERANCE = 1e-5
SINGLE_PRECISION = 1e-7  # a probability that was kept in float32 has digits after its last decimal


@dataclass(frozen=True, slots=True)
class GivenRows:
    """Encoded rows of one source.

    Args:
        source: where they come from, in words.
        rows: float32 (n, features), in the contract's order.
        probabilities: float64 (n,), what the model's owner says that it says; None where nobody said anything.
        tolerance: within which a probability is the same, as far as it is written.
        lines: the line of the source in which each row stands; from 1 where there are no lines.
    """

    source: str
    rows: Rows
    probabilities: npt.NDArray[np.float64] | None = None
    tolerance: float = TOLERANCE
    lines: tuple[int, ...] = ()

    def name_row(self, at: int) -> str:
        """Return where a row stands. What is in it may tell of a person, so it is not shown."""
        return f"line {self.lines[at]}" if self.lines else f"row {at + 1} of {self.source}"


def read_check_file(contract: type[Contract], path: Path) -> GivenRows:
    """Read subscribers in the contract's own words, and the probabilities that the model's owner computed for them.

    Columns are the contract's features and `churn_probability`, in any order. Others are not read.

    Raises:
        DataError: the file cannot be read, is too long, or its probabilities have too few decimals.
        InvalidData: not all of it is valid; lists what is wrong.
    """
    known = [*contract.columns(), PROBABILITY]
    header, numbered = read_rows(path, read_bytes(path), known)
    twice = [DataProblem(name, "column stands twice", 1) for name in known if header.count(name) > 1]
    if problems := [*find_missing(contract, [*contract.needed_columns(header), PROBABILITY], header), *twice]:
        raise InvalidData(path, contract, problems)
    collector = ProblemCollector()
    rows: list[tuple[float, ...]] = []
    written: list[str] = []
    lines: list[int] = []
    for line, cells in numbered:
        if len(lines) == MOST_ROWS:
            raise DataError(f"{path} has more than {MOST_ROWS:,} rows", instead="give fewer; a thousand say enough")
        if not check_cells(header, cells, line, collector):
            continue
        row = dict(zip(header, cells, strict=True))
        probability = row[PROBABILITY].strip()
        if not _is_probability(probability):
            collector.add(PROBABILITY, "not a number from 0 to 1", line)
        if subscriber := read_subscriber(contract, row, line, collector):
            rows.append(subscriber.encode())
            written.append(probability)
            lines.append(line)
    if problems := collector.problems():
        raise InvalidData(path, contract, problems)
    probabilities = np.array(written, dtype=np.float64)
    tolerance = _tolerate(path, probabilities)
    return GivenRows(path.name, np.array(rows, dtype=np.float32), probabilities, tolerance, tuple(lines))


def _is_probability(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _tolerate(path: Path, probabilities: npt.NDArray[np.float64]) -> float:
    """Return half a step of the last decimal that any of the numbers has, at least the usual tolerance."""
    decimals = next((k for k in range(8) if np.abs(probabilities.round(k) - probabilities).max() < SINGLE_PRECISION), 8)
    if decimals < FEWEST_DECIMALS:
        raise DataError(
            f"the probabilities in {path} have at most {decimals} decimals, which cannot show that a model is the same",
            instead=f"write {PROBABILITY} with all its decimals, at least {FEWEST_DECIMALS}",
        )
    return max(TOLERANCE, 0.5 * 10.0**-decimals + SINGLE_PRECISION)


def list_absent_values(contract: type[Contract], rows: Rows) -> Iterator[str]:
    """List the categories and booleans that no row has, such as `contract_type two-year`: they are not measured."""
    for spec, column in zip(contract.features, rows.T, strict=True):
        labels = spec.categories or (("false", "true") if spec.kind == "boolean" else ())
        for code, label in enumerate(labels):
            if not (column == code).any():
                yield f"{spec.name} {label}"


def rows_from_example(contract: type[Contract], example: Rows) -> GivenRows:
    """Take the rows of MLflow's input example, whose columns are in the contract's order.

    Raises:
        BundleError: a number in it is none of the contract's, so its codes or units are others.
    """
    for spec, column in zip(contract.features, example.T, strict=True):
        lower, upper = (spec.lower, spec.upper)
        if spec.kind in {"category", "boolean"}:
            lower, upper = 0.0, max(len(spec.categories) - 1.0, 1.0)
        present = column[~np.isnan(column)]
        is_whole = present == np.round(present)
        strange = (present < lower) | (present > upper) | (~is_whole if spec.kind != "number" else False)
        if strange.any():
            raise BundleError(
                f"the model's input example has {present[strange][0]:g} as {spec.name}, where the contract "
                f"{contract.contract_name} has {_say_range(spec.kind, lower, upper)}: its codes or units are others",
                instead="train the model on the contract's codes and units; docs/bring-your-own-model.md lists them",
            )
    return GivenRows("MLflow's input example", example)


def _say_range(kind: str, lower: float | None, upper: float | None) -> str:
    return f"{'numbers' if kind == 'number' else 'whole numbers'} from {lower:g} to {upper:g}"
