"""From a column's name to a field's name, its words, and whether it is a personal trait."""

import keyword
import re
import unicodedata
from collections.abc import Sequence

from churn.contract.declaration import Contract

# Names that a class of pydantic, or a contract, has for something else.
TAKEN = frozenset(dir(Contract)) | {
    "contract_name", "id_column", "label_column", "label_values", "horizon_days", "tiers", "threshold",
    "Annotated", "Literal", "get_args", "AliasChoices", "Field", "Feature", "Band", "Bands", "Says",
    "write_number", "say", "int", "float", "bool",
}  # fmt: skip
# Whole words. Other personal traits are for people to mark in the draft.
PERSONAL = re.compile(
    r"age|gender|sex|senior|married|marital|marriage|partner|spouse|dependent|dependents|child|children|kids|"
    r"family|race|ethnic|ethnicity|religion|religious|nationality|citizenship|birth|birthday|birthdate|dob|"
    r"pregnant|pregnancy|disability|disabled|health|diagnosis|orientation|politics|union"
)
CODES = re.compile(r"code|codes|zip|zipcode|postcode|postal|plz|area|region|branch|store|district|segment|group")
IDENTIFIERS = re.compile(r"id|ids|uuid|guid|key|phone|mobile|msisdn|iban|account|email|number|no|nr|row|index")
COUNTING = re.compile(r"number|num|no|nr|total|count|sum|share|percent|average|avg|mean")


def split_words(name: str) -> list[str]:
    """Split a column's name into words in lower case: `FirstOrder` and `first_order` are the same."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def label_from_name(name: str) -> str:
    """Return a column's name as people write it: `First order`."""
    words = " ".join(split_words(name)) or "Value"
    return words[0].upper() + words[1:]


def is_personal(name: str) -> bool:
    """Tell whether a column's name is that of a personal trait."""
    return any(map(PERSONAL.fullmatch, split_words(name)))


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
