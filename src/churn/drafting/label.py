"""Which of the two values of a label says that somebody left."""

from collections import Counter
from typing import NamedTuple

from churn.contract.cells import text_from_boolean
from churn.drafting.figures import ColumnFigures
from churn.errors import DataError

NO = frozenset({"no", "n", "false", "f", "0", "stayed", "active", "retained", "existing customer"})


class Label(NamedTuple):
    """The label's values as a file writes them, and how many left."""

    stayed: str
    left: str
    leavers: int
    was_chosen: bool  # by the caller, not by how often it stands there


def read_label(column: ColumnFigures, left: str | None) -> Label:
    """Read which value means that somebody left: `left`, else the rarer of the two.

    Raises:
        DataError: there are blanks, more or fewer than two values, or none is surely the one that says so.
    """
    place = f"the label {column.name!r}"
    if column.blanks:
        raise DataError(f"{place} is blank in {column.blanks:,} rows", instead="leave out the rows without a label")
    counts: Counter[str] = Counter()
    for value, count in (column.values or {}).items():
        counts[text_from_boolean(value)] += count
    if len(counts) != 2:  # noqa: PLR2004 - stayed or left
        some = f": {', '.join(sorted(counts)[:5])}" if counts else ""
        number = f"{len(counts):,}" if counts else "too many"
        raise DataError(
            f"{place} has {number} different values{some}; a label has two",
            instead="name with --label the column that says who left, and write the same for all who left",
        )
    (common, _), (rare, leavers) = counts.most_common()
    choose = f"say with --left which one says that somebody left: --left {rare!r} or --left {common!r}"
    if left is not None:
        if left.strip() not in counts:
            raise DataError(
                f"{place} is never {left!r}, but {common!r} or {rare!r}", instead="give one of them to --left"
            )
        stayed = common if left.strip() == rare else rare
        return Label(stayed, left.strip(), counts[left.strip()], was_chosen=True)
    if counts[common] == leavers:
        raise DataError(f"{place} has both values equally often, {common!r} and {rare!r}", instead=choose)
    if rare.lower() in NO:
        raise DataError(f"{place} is seldom {rare!r}, which reads as if somebody stayed", instead=choose)
    return Label(common, rare, leavers, was_chosen=False)
