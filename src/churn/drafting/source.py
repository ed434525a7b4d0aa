"""A draft's files: the text of NAME.py with the contract, and of NAME.toml with a policy that offers nothing yet."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from churn.contract.cells import text_from_boolean
from churn.contract.declaration import Contract
from churn.contract.language import ENGLISH
from churn.contract.phrases import label_from_name
from churn.drafting.dates import DraftDate
from churn.drafting.draft import Draft
from churn.drafting.kinds import DraftField, Finding
from churn.drafting.layout import WIDTH, Call, lay_out
from churn.drafting.naming import is_counting
from churn.drafting.texts import (
    NO,
    NUMBER,
    UNKNOWN,
    WITH_OFFER,
    WITHOUT_OFFER,
    YES,
    translate,
    write_number_text,
    write_text,
)

SPELLED_OUT = 8  # more values than that get one sentence for all
TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})

HEAD = '"""Drafted by `churn contract init`. Replace what says TODO."""\n'
SAY = '''

def say(label: str, values: tuple[str, ...], *, for_customers: bool) -> dict[str, Says]:
    """Word all values alike. Give a value that deserves it words of its own."""
    texts = {value: f"{label}: {value}".translate({0x7B: "(", 0x7D: ")", 0x5F: " "}).strip() for value in values}
    return {value: Says(text, *([text, text] if for_customers else [])) for value, text in texts.items()}


'''
POLICY = """\
# What subscribers of {name} are offered: nothing yet. docs/offers.md explains every key, and how to add an offer.

version = {version}     # raise it with every change; each answer carries it
contract = {contract}
languages = [{languages}]

[headlines]
{headlines}

# These subscribers are shown nothing, so that we learn what the banner does.
[holdout]
share = 0.10
experiment = {experiment}

[cooldown]
days = 180
"""


def write_contract(draft: Draft) -> str:
    """Write NAME.py."""
    values = dict(_name_values(draft.fields))
    uses_say = bool(values)
    parts = [
        f"{HEAD}\n{_write_imports(draft.fields, uses_say=uses_say)}",
        *(line for field in draft.fields for line in _write_date(field)),
        *(f"{name} = Literal[\n{_lay_out(field.categories)}]  # fmt: skip" for field, name in values.items()),
    ]
    head = "\n".join([*parts, SAY if uses_say else "\n"])
    return head + "\n".join(_write_class(draft, values)) + "\n\n\nCONTRACT = Customer\n"


def write_policy(name: str, languages: Sequence[str] = (ENGLISH.code,)) -> str:
    """Write NAME.toml, in some of the languages of drafts."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return POLICY.format(
        name=name,
        contract=quote(name),
        version=quote(f"{plain}-1"),
        experiment=quote(f"{plain}-banner-1"),
        languages=", ".join(map(quote, languages)),
        headlines="\n".join(
            f"{place}.{language} = {quote(translate(text, language))}"
            for place, text in (("with_offer", WITH_OFFER), ("without_offer", WITHOUT_OFFER))
            for language in languages
        ),
    )


def load_draft(path: Path) -> type[Contract]:
    """Load a draft that was just written, wherever it lies."""
    spec = spec_from_file_location(path.stem, path)
    assert spec and spec.loader  # noqa: S101, PT018 - as of every file of Python
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    contract: type[Contract] = module.CONTRACT
    return contract


def quote(text: str) -> str:
    """Return a text as a literal that Python, JSON and TOML read alike."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write_imports(fields: Sequence[DraftField], *, uses_say: bool) -> str:
    kinds = {field.kind for field in fields}
    typing = ["Annotated", *(["Literal"] if "category" in kinds else []), *(["get_args"] if uses_say else [])]
    has_numbers, has_words = bool(kinds & {"integer", "number"}), bool(kinds & {"category", "boolean"})
    phrases = [
        *(["Band", "Bands"] if has_numbers else []),
        *(["Says"] if has_words or any(field.is_missing and field.is_worded for field in fields) else []),
        *(["write_number"] if has_numbers else []),
    ]
    pydantic = [*(["AliasChoices"] if any(map(_has_alias, fields)) else []), "Field"]
    has_dates = any(field.date for field in fields)
    lines = [
        *(["from datetime import date"] if has_dates else []),
        f"from typing import {', '.join(typing)}",
        "",
        f"from pydantic import {', '.join(pydantic)}",
        "",
        *(["from churn.contract.dates import Date, DaysSince"] if has_dates else []),
        "from churn.contract.declaration import Contract",
        "from churn.contract.features import Feature",
        f"from churn.contract.phrases import {', '.join(phrases)}",
    ]
    return "\n".join(lines) + "\n"


def _name_values(fields: Sequence[DraftField]) -> Iterator[tuple[DraftField, str]]:
    """Name the list of values of each field that has many."""
    names = {field.name for field in fields}
    for field in fields:
        if len(field.categories) > SPELLED_OUT:
            name = f"{field.name.upper()}_VALUES"
            while name in names:
                name += "_"
            names.add(name)
            yield field, name


def _write_class(draft: Draft, values: dict[DraftField, str]) -> Iterator[str]:
    label = draft.label
    yield from (
        "class Customer(Contract):",
        '    """One customer. TODO: say who that is, and at which moment they are looked at."""',
        "",
        f"    contract_name = {quote(draft.name)}",
        f"    id_column = {quote(draft.id_column)}",
        f"    label_column = {quote(draft.label_column)}",
        f"    label_values = ({quote(label.stayed)}, {quote(label.left)})  # stayed, left",
    )
    if draft.as_of:
        yield ""
        yield "    # The day to which dates are counted where a file is read. TODO: state it anew with each file."
        yield f"    as_of = date({draft.as_of.year}, {draft.as_of.month}, {draft.as_of.day})"
    if draft.left_out:
        yield from ("", "    # Left out. TODO: declare what matters.")
        yield from (f"    # - {_comment(finding)}" for finding in draft.left_out)
    yield ""
    for field in draft.fields:
        yield from _write_field(field, values.get(field))


def _comment(finding: Finding) -> str:
    words = f"{finding.column or '(no name)'}: {finding.finding}, {finding.detail}"
    return "".join(sign if sign.isprintable() else " " for sign in words)


def _write_field(field: DraftField, values: str | None) -> Iterator[str]:
    limits = [] if _has_words(field) else [f"ge={_number(field, field.lower)}", f"le={_number(field, field.upper)}"]
    alias = f"validation_alias=AliasChoices({quote(field.name)}, {quote(field.column)})"
    yield f"    {field.name}: Annotated["
    yield f"        {_write_type(field, values)}{' | None' if field.is_missing else ''},"
    about = (
        *limits,
        f"description={quote(f'{field.label}. TODO: say what it means.')}",
        f"examples=[{_write_example(field)}]",
        *([alias] if _has_alias(field) else []),
    )
    yield from lay_out(Call("Field(", about), 8)
    yield from lay_out(Call("Feature(", (_write_says(field, values), *_list_flags(field))), 8)
    yield f"    ]{' = None' if field.is_missing else ''}"


def _list_flags(field: DraftField) -> Iterator[str | Call]:
    if field.is_missing and field.is_worded:
        yield _word("missing=Says(", f"{field.label} {UNKNOWN}", write_text(field.label, UNKNOWN))
    elif field.is_missing:
        yield "missing=True"
    if field.date:
        yield f"of=DaysSince({_name_date(field.date)})"
    if field.label != label_from_name(field.name):
        yield f"label={quote(field.label)}"
    yield from (f"{flag}=True" for flag in ("other", "protected") if getattr(field, f"is_{flag}"))


def _write_date(field: DraftField) -> Iterator[str]:
    """Write the declaration of the date behind a field."""
    if field.date:
        told = [quote(field.date.name), quote(f"{field.date.label}. TODO: say what happened then.")]
        told += [f"example={quote(field.date.example.isoformat())}"]
        if field.date.label != label_from_name(field.date.name):
            told.append(f"label={quote(field.date.label)}")
        if field.date.name != field.column:
            told.append(f"earlier_names=({quote(field.column)},)")
        yield "\n".join(lay_out(Call(f"{_name_date(field.date)} = Date(", tuple(told)), 0)).removesuffix(",") + "\n"


def _name_date(draft_date: DraftDate) -> str:
    return f"{draft_date.name.upper()}_DATE"


def _has_alias(field: DraftField) -> bool:
    return field.date is None and field.name != field.column


def _has_words(field: DraftField) -> bool:
    return field.kind in {"category", "boolean"}


def _write_type(field: DraftField, values: str | None) -> str:
    if field.kind == "category":
        return values or f"Literal[{', '.join(map(quote, field.categories))}]"
    return {"integer": "int", "number": "float", "boolean": "bool"}[field.kind]


def _write_example(field: DraftField) -> str:
    if field.kind == "boolean":
        return str(text_from_boolean(field.example).lower() in TRUE)
    return quote(field.example) if field.kind == "category" else field.example


def _number(field: DraftField, bound: float) -> str:
    return str(int(bound)) if field.kind == "integer" or (abs(bound) < 1e15 and bound == int(bound)) else repr(bound)  # noqa: PLR2004 - as repr has it


def _write_says(field: DraftField, values: str | None) -> str | Call:
    if values:
        listed = f"get_args({values}){'[:-1]' if field.is_other else ''}"
        return f"says=say({quote(field.label)}, {listed}, for_customers={field.is_worded})"
    if _has_words(field):
        words = {"True": YES, "False": NO} if field.kind == "boolean" else {quote(it): it for it in field.categories}
        texts = ((value, write_text(field.label, word)) for value, word in words.items())
        parts = (_word(f"{value}: Says(", text, text if field.is_worded else None) for value, text in texts)
        return Call("says={", tuple(parts), "}")
    of = ":" if is_counting(field.column) or " " in field.label else " of"
    text = write_number_text(field.label) if field.is_worded else None
    band = _word("Band(", f"{field.label}{of} {NUMBER}", text, 'name="any"')
    return Call("says=Bands(", (Call("[", (band,), "]"), "words=write_number"))


def _word(head: str, team: str, text: str | None, *more: str) -> Call:
    """Write a call with words for the team, and with those for customers if there are any."""
    told = () if text is None else (f"raises={quote(text)}", f"lowers={quote(text)}")
    return Call(head, (quote(team), *told, *more))


def _lay_out(values: Iterable[str]) -> str:
    """Lay values out in lines, with commas."""
    lines, line = [], "   "
    for word in map(quote, values):
        if len(line) + len(word) + 2 > WIDTH and line.strip():
            lines.append(line)
            line = "   "
        line += f" {word},"
    return "\n".join([*lines, line]) + "\n"
