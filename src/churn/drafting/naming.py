"""From a column's name to a field's name and its words; and whether name or values tell a personal trait."""

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from churn.contract.declaration import Contract

# Names that a class of pydantic, or a contract, has for something else.
TAKEN = frozenset(dir(Contract)) | {
    "contract_name", "id_column", "label_column", "label_values", "horizon_days", "tiers", "threshold",
    "Annotated", "Literal", "get_args", "AliasChoices", "Field", "Feature", "Band", "Bands", "Says",
    "write_number", "say", "int", "float", "bool", "date", "Date", "DaysSince",
}  # fmt: skip
# Whole words. Other personal traits are for people to mark in the draft.
PERSONAL = re.compile(
    r"age|gender|sex|senior|married|marital|marriage|partner|spouse|dependent|dependents|child|children|kids|"
    r"family|race|ethnic|ethnicity|religion|religious|nationality|citizenship|birth|birthday|birthdate|dob|"
    r"pregnant|pregnancy|disability|disabled|health|diagnosis|orientation|politics|union|"
    r"ages|birthyear|females?|males?|maritalstatus|seniorcitizen|"
    r"alter|geschlecht|familienstand|kinder|religionszugehörigkeit|konfession|geburtsdatum|geburtsjahr|herkunft"
)
# A column with only such values is a personal trait. Its name does not matter.
PERSONAL_VALUES = tuple(
    frozenset(words.split())
    for words in (
        "male female m f w man woman diverse non-binary nonbinary männlich weiblich",
        "single married divorced widowed widow widower separated engaged unmarried",
    )
)
NUMBER_OF = re.compile(r"^(?:num|number|nr|no|count|amount of|n)(?: of)? (?=\S)")
UNTOLD = frozenset({"", "unknown", "other", "unk", "na", "n/a"})
FEWEST_PERSONAL = 2  # different values of such a column that are known to be one
# What a business thinks of somebody, and not for them to read.
INTERNAL = re.compile(
    r"attrition|retention|propensity|likelihood|probability|predicted|prediction|winback|lapsed?|fraud\w*|delinquen\w*|"
    r"blacklist\w*|exited|terminated|clv|cltv|ltv"
)
CODES = re.compile(r"code|codes|zip|zipcode|postcode|postal|plz|area|region|branch|store|district|segment|group")
IDENTIFIERS = re.compile(r"id|ids|uuid|guid|key|phone|mobile|msisdn|iban|account|email|number|no|nr|row|index")
COUNTING = re.compile(r"number|num|no|nr|total|count|sum|share|percent|average|avg|mean")


def split_words(name: str) -> list[str]:
    """Split a column's name into words in lower case: `FirstOrder` and `first_order` are the same."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def label_from_name(name: str) -> str:
    """Return a column's name as people write it: `First order`, and `Late bills` for `num_late_bills`."""
    words = " ".join(split_words(name)) or "Value"
    short = NUMBER_OF.sub("", words)
    return short[0].upper() + short[1:]


def choose_labels(columns: Sequence[str]) -> dict[str, str]:
    """Choose a label for each column; where two would have the same, it is each one's whole name."""
    labels = {column: label_from_name(column) for column in columns}
    counts = Counter(labels.values())
    return {column: label if counts[label] == 1 else column.strip() or label for column, label in labels.items()}


def is_personal(name: str) -> bool:
    """Tell whether a column's name is that of a personal trait."""
    return any(map(PERSONAL.fullmatch, split_words(name)))


def has_personal_values(values: Iterable[str]) -> bool:
    """Tell whether a column's values are those of a personal trait: `male` and `female`."""
    known = {value.strip().lower() for value in values} - UNTOLD
    return any(FEWEST_PERSONAL <= len(known) == len(known & personal) for personal in PERSONAL_VALUES)


def find_internal(name: str) -> str | None:
    """Return the first word of a column's name that tells what a business thinks of somebody, or None."""
    return next(filter(INTERNAL.fullmatch, split_words(name)), None)


def is_code(name: str) -> bool:
    """Tell whether numbers under this name are codes, which are not more or less of anything."""
    return any(map(CODES.fullmatch, split_words(name)))


def is_identifier(name: str) -> bool:
    """Tell whether a column of this name could identify a row."""
    return any(map(IDENTIFIERS.fullmatch, split_words(name)))


def is_counting(name: str) -> bool:
    """Tell whether a name counts or sums something, so that a number does not follow it with `of`."""
    return any(map(COUNTING.fullmatch, split_words(name)))


def choose_names(columns: Sequence[str]) -> dict[str, str]:
    """Choose a valid name for each column, no two alike: the column's own, where it is valid."""
    names = {column: column for column in columns if _is_valid(column)}
    for column in columns:
        if column not in names:
            base = _make_valid(column)
            name, number = base, 1
            while name in names.values():
                number += 1
                name = f"{base}_{number}"
            names[column] = name
    return names


def _is_valid(name: str) -> bool:
    is_plain = name.isidentifier() and name == unicodedata.normalize("NFKC", name) and not name.startswith("_")
    return is_plain and not keyword.iskeyword(name) and name not in TAKEN and not name.startswith("model_")


def _make_valid(column: str) -> str:
    plain = unicodedata.normalize("NFKC", column)
    name = "_".join(split_words(plain))
    name = re.sub(r"\W", "", name)
    if not name or not name.isidentifier():
        name = f"column_{name}".rstrip("_")
    if keyword.iskeyword(name) or name in TAKEN:
        name = f"{name}_"
    return f"field_{name}" if name.startswith("model_") else name
