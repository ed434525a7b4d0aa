"""What a column becomes: a field of some kind, or left out with the reason and what to do about it."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from churn.contract.cells import text_from_boolean
from churn.contract.features import LARGEST_INTEGER, LARGEST_NUMBER, OTHER, Kind
from churn.drafting.dates import DraftDate, find_middle_date
from churn.drafting.figures import ColumnFigures, number_from_text
from churn.drafting.naming import has_personal_values, is_code, is_identifier, is_personal
from churn.drafting.texts import find_hidden_word, write_text

ALL_CATEGORIES = 60  # so many are all declared
SOME_CATEGORIES = 50  # of more, the most frequent; the rest is `other`
MOST_CATEGORIES = 1_000  # more are left out
DISTINCT_SHARE = 0.5  # of all rows; what differs that often is no category
FEWEST_ROWS = 20  # for a share to say anything
BOOLEANS = ({"0", "1"}, {"false", "true"}, {"no", "yes"}, {"n", "y"}, {"f", "t"}, {"off", "on"})
NOT_KNOWN = frozenset({"na", "n/a", "nan", "null", "none", "?", "-", ".", "unknown", "missing", "#n/a", "nil"})
NUMBER_WITH_SIGNS = re.compile(r"[-+(]?\s*[$€£¥]?\s*\d[\d.,' \u00a0]*\s*[%$€£¥]?\)?")


class Finding(NamedTuple):
    """What is odd about a column, and what to do about it."""

    column: str
    finding: str
    detail: str
    advice: str


@dataclass(frozen=True, slots=True)
class DraftField:
    """A field of the draft: what of it follows from the data."""

    column: str
    name: str
    label: str
    kind: Kind
    example: str
    categories: tuple[str, ...] = ()
    lower: float = 0
    upper: float = 0
    is_missing: bool = False
    is_other: bool = False
    is_protected: bool = False
    date: DraftDate | None = None

    @property
    def name_in_files(self) -> str:
        """What files and requests call it."""
        return self.date.name if self.date else self.name

    @property
    def hidden_word(self) -> str | None:
        """A word for which customers read nothing of it, or None."""
        return find_hidden_word(self.label, [write_text(self.label, value) for value in self.categories])

    @property
    def is_worded(self) -> bool:
        """Whether customers may read of it."""
        return not self.is_protected and self.hidden_word is None


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its kind is decided: figures of all rows, and the cells of some."""

    figures: ColumnFigures
    cells: Sequence[str]
    name: str
    label: str
    rows: int
    as_of: date | None = None

    @property
    def known(self) -> int:
        """How many cells are not blank."""
        return self.rows - self.figures.blanks

    def leave_out(self, finding: str, detail: str, advice: str) -> Finding:
        """Say why it is no field."""
        return Finding(self.figures.name, finding, detail, advice)

    def make_field(self, kind: Kind, example: str, **rest: object) -> DraftField:
        """Make a field of it."""
        return DraftField(
            column=self.figures.name,
            kind=kind,
            example=example,
            is_missing=self.figures.blanks > 0,
            is_protected=is_personal(self.figures.name) or has_personal_values(self.figures.values or ()),
            **{"name": self.name, "label": self.label, **rest},  # type: ignore[arg-type]
        )


def decide_kind(column: Column) -> DraftField | Finding:
    """Decide what a column becomes. A finding says why it is left out."""
    figures = column.figures
    values = figures.values
    if not column.known:
        return column.leave_out("all blank", "no row has a value", "nothing, or mend the export that made the file")
    if values is not None and len(values) == 1 and not figures.blanks:
        return column.leave_out("constant", f"always {_cut(next(iter(values)))}", "nothing: it tells nobody apart")
    if figures.is_date:
        return _decide_date(column)
    if values is not None and {text_from_boolean(value).lower() for value in values} in BOOLEANS:
        return column.make_field("boolean", values.most_common(1)[0][0])
    if figures.is_number:
        return _decide_number(column)
    return _find_no_category(column) or _make_category(column)


def find_oddities(field: DraftField, column: Column) -> Iterator[Finding]:
    """Yield what is to know of a column that becomes a field."""
    blanks = column.figures.blanks
    if blanks:
        yield Finding(
            field.column, "blank", f"{blanks:,} of {column.rows:,} cells ({blanks / column.rows:.1%})",
            "nothing: the field takes a value that is not known",
        )  # fmt: skip
    if field.date:
        yield Finding(
            field.column, "date", f"{field.date.earliest} to {field.date.latest}",
            f"it counts days to {field.date.as_of}; leave it out if it is known only once somebody left",
        )  # fmt: skip
    if field.is_protected:
        yield Finding(
            field.column, "personal trait", f"by its {'name' if is_personal(field.column) else 'values'}",
            "it is protected, and no customer reads of it; see whether you need it at all",
        )  # fmt: skip
    elif hidden := field.hidden_word:
        yield Finding(
            field.column, "not for customers", f"it speaks of {hidden!r}", "word it yourself if they may read of it"
        )
    if field.is_other:
        values = column.figures.values or Counter[str]()
        listed = sum(values[value] for value in field.categories)
        yield Finding(
            field.column, "many categories",
            f"{len(values):,}; the {len(field.categories) - 1} most frequent are declared, "
            f"{listed / column.known:.0%} of the rows",
            f"nothing: the rest is read as {OTHER!r}; or put values together",
        )  # fmt: skip
    if field.kind == "category" and column.figures.is_number:
        yield Finding(
            field.column, "codes", "numbers that are no amounts", "it is a category; make it an int if more means more"
        )
    if field.kind == "number" and column.figures.is_whole:
        yield Finding(
            field.column, "large numbers", f"up to {column.figures.highest:,.0f}",
            f"the model sees whole numbers above {LARGEST_INTEGER:,} rounded; give it in thousands",
        )  # fmt: skip
    if field.kind == "category" and (spaced := [value for value in field.categories if value != value.strip()]):
        yield Finding(field.column, "spaces", f"{len(spaced)} values such as {spaced[0]!r}", "remove them in the file")


def round_outwards(bound: float) -> float:
    """Return twice a bound, rounded up to 1, 2 or 5 times a power of ten; a negative one likewise downwards."""
    if bound == 0:
        return 0
    size = 2 * abs(bound)
    power = math.floor(math.log10(size))
    steps = (float(f"{digit}e{power}") for digit in (1, 2, 5, 10))
    rounded = next((step for step in steps if step >= size), LARGEST_NUMBER)
    return math.copysign(min(rounded, LARGEST_NUMBER), bound)


def _decide_date(column: Column) -> DraftField | Finding:
    figures, example = column.figures, find_middle_date(column.cells)
    such = f"such as {_cut(_example(column))}"
    if figures.has_other_dates or not (figures.earliest and figures.latest and example):
        return column.leave_out("dates", such, "write them as 2024-03-01, then draft anew")
    if column.as_of is None or figures.latest > column.as_of:
        detail = f"up to {figures.latest}" + (f", after {column.as_of}" if column.as_of else "")
        return column.leave_out("dates to come", detail, "nothing; or say with --as-of to which day to count")
    draft_date = DraftDate(column.name, column.label, example, figures.earliest, figures.latest, column.as_of)
    return column.make_field(
        "integer",
        str((column.as_of - example).days),
        name=f"days_since_{column.name}",
        label=f"Days since {column.label[0].lower()}{column.label[1:]}",
        upper=min(round_outwards(draft_date.most_days), LARGEST_INTEGER),
        date=draft_date,
    )


def _decide_number(column: Column) -> DraftField | Finding:
    figures = column.figures
    if max(abs(figures.lowest), abs(figures.highest)) > LARGEST_NUMBER:
        return column.leave_out("too large", f"up to {figures.highest:g}", f"give at most {LARGEST_NUMBER:g}")
    if figures.is_whole and _looks_like_identifier(column):
        return column.leave_out("another id", "a different number in each row", "nothing: it tells of nobody else")
    if figures.has_zeros or (figures.is_whole and is_code(figures.name)):
        return _find_no_category(column) or _make_category(column)
    is_integer = figures.is_whole and max(abs(figures.lowest), abs(figures.highest)) <= LARGEST_INTEGER
    numbers = sorted(number for cell in column.cells if (number := number_from_text(cell.strip())) is not None)
    median = numbers[len(numbers) // 2] if numbers else figures.lowest
    lower = round_outwards(min(figures.lowest, 0.0))
    upper = round_outwards(figures.highest) if figures.highest > 0 else 0.0
    if is_integer:
        lower, upper = max(lower, -LARGEST_INTEGER), min(upper, LARGEST_INTEGER)
    return column.make_field(
        "integer" if is_integer else "number",
        str(int(median)) if is_integer else repr(median),
        lower=lower,
        upper=upper,
    )


def _looks_like_identifier(column: Column) -> bool:
    known = [cell for cell in column.cells if cell.strip()]
    if len(known) < FEWEST_ROWS or len(set(known)) < len(known):
        return False
    counts_rows = column.figures.highest - column.figures.lowest + 1 == column.known
    return counts_rows or is_identifier(column.figures.name)


def _find_no_category(column: Column) -> Finding | None:
    """Say why a column of texts is no category; None if it is one."""
    figures, values = column.figures, column.figures.values
    if figures.words and figures.highest >= figures.lowest and {word.lower() for word in figures.words} <= NOT_KNOWN:
        odd = ", ".join(sorted(figures.words))
        return column.leave_out("numbers and words", f"numbers, and {odd}", "leave such cells blank, then draft anew")
    if (
        all(NUMBER_WITH_SIGNS.fullmatch(cell.strip()) for cell in column.cells if cell.strip())
        and not figures.is_number
    ):
        example = _cut(_example(column))
        return column.leave_out("numbers with signs", f"such as {example}", "write them as 1234.5, then draft anew")
    if values is not None and len(values) <= max(
        ALL_CATEGORIES, min(MOST_CATEGORIES, math.floor(DISTINCT_SHARE * column.known))
    ):
        return None
    number = f"{len(values):,} different values" if values is not None else "too many different or too long values"
    words = sum(len(cell.split()) for cell in column.cells) / max(1, len(column.cells))
    if words > 3:  # noqa: PLR2004 - a name has fewer
        return column.leave_out("free text", number, "nothing, or derive from it what counts")
    return column.leave_out(
        "too many categories", f"{number}, such as {_cut(_example(column))}", "put values together into at most 1,000"
    )


def _make_category(column: Column) -> DraftField:
    values = column.figures.values
    assert values is not None  # noqa: S101 - _find_no_category has seen to it
    ranked = [value for value, _ in values.most_common()]
    if len(values) <= ALL_CATEGORIES:
        return column.make_field("category", ranked[0], categories=tuple(sorted(values)))
    listed = [value for value in ranked if value != OTHER][:SOME_CATEGORIES]
    return column.make_field("category", ranked[0], categories=(*sorted(listed), OTHER), is_other=True)


def _example(column: Column) -> str:
    return next((cell.strip() for cell in column.cells if cell.strip()), "")


def _cut(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:29]}…"  # noqa: PLR2004 - what fits into a table
