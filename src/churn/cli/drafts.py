"""What `churn contract init` says of a draft, and where it writes it."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from churn.businesses import NAME, list_contracts, list_folders
from churn.contract.catalogues import write_messages
from churn.contract.places import BusinessFiles
from churn.drafting.draft import Draft
from churn.drafting.kinds import DraftField
from churn.drafting.naming import split_words
from churn.drafting.source import load_draft
from churn.drafting.texts import LANGUAGES, translate_draft
from churn.errors import ContractError, DataError, SettingsError
from churn.judging.metrics import TOP_REASONS

type Table = tuple[str, Sequence[str], Sequence[Sequence[Any]]]

FEW = 6


def name_from_file(path: Path) -> str:
    """Make a contract's name of a file's name: `Telco-Churn 2024.csv` is telco_churn_2024."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", "_".join(split_words(path.stem))).strip("_")
    if not NAME.fullmatch(name):
        raise SettingsError(f"no contract can be named after {path.name}", instead="name it with --name")
    return name


def choose_files(name: str, *, is_named: bool, force: bool) -> BusinessFiles:
    """Choose where to write a business.

    Raises:
        SettingsError: the name cannot be one, or such files are there and `force` is not set.
        ContractError: a business has that name already.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(f"{name!r} is no name of a contract", instead="use letters, digits and _, a letter first")
    folder = next(iter(list_folders()[1:]), Path.cwd())
    files = BusinessFiles(folder / f"{name}.py")
    present = [path for path in (files.declaration, files.policy) if path.exists()]
    other_name = f"give {'another' if is_named else 'a'} name with --name"
    if present and not force:
        raise SettingsError(f"{present[0]} is there already", instead=f"{other_name}, or replace it with --force")
    if not present and name in list_contracts():
        raise ContractError(f"there is a contract {name!r} already", instead=other_name)
    return files


def choose_languages(wanted: Sequence[str]) -> list[str]:
    """Return the languages of a draft, English first.

    Raises:
        SettingsError: a draft has no words in one of them.
    """
    if unknown := [code for code in wanted if code not in LANGUAGES]:
        raise SettingsError(
            f"a draft has no words in {unknown[0]!r}, only in {' and '.join(LANGUAGES)}",
            instead="draft without it; then churn contract messages NAME --language CODE --write begins its catalogue",
        )
    return [code for code in LANGUAGES if code in {LANGUAGES[0], *wanted}]


def write_catalogues(files: BusinessFiles, languages: Sequence[str]) -> None:
    """Write the catalogues of a draft that was just written. What a catalogue has already, it keeps."""
    for code in languages[1:]:
        write_messages(
            load_draft(files.declaration), code, files.catalogue(code), partial(translate_draft, language=code)
        )


def say_texts(draft: Draft, languages: Sequence[str]) -> Iterator[str]:
    """Say which fields customers may read of, and in which words."""
    worded = sum(field.is_worded for field in draft.fields)
    yield f"customers may read of {worded} of {len(draft.fields)} fields, as label and value, until you say it better"
    if others := ", ".join(languages[1:]):
        yield f"in {others}, too, columns are named as in the file: translate what says TODO in the catalogue"


def say_files(files: BusinessFiles, languages: Sequence[str]) -> str:
    """Say which files are written."""
    names = [files.policy.name, *(files.catalogue(code).name for code in languages[1:])]
    return f"{', '.join([str(files.declaration), *names[:-1]])} and {names[-1]} are written"


def require_fields(draft: Draft) -> None:
    """Raise DataError if there are too few fields for a contract."""
    if len(draft.fields) < TOP_REASONS:
        lost = "; ".join(f"{finding.column}: {finding.finding}" for finding in draft.left_out)
        raise DataError(
            f"{draft.file} has too few columns that can be fields: {len(draft.fields)}, where a contract has at least "
            f"{TOP_REASONS}{f' (left out: {lost})' if lost else ''}",
            instead="add columns to the file",
        )


def tabulate_fields(draft: Draft) -> Table:
    """Return the table of the draft's fields."""
    rows = [(field.name, field.kind, describe_values(field), _list_marks(field)) for field in draft.fields]
    return f"{draft.name}: {len(rows)} fields of {draft.rows:,} rows", ["field", "kind", "may hold", "marked"], rows


def tabulate_findings(draft: Draft) -> Table:
    """Return the table of what is left out or odd, and what to do about it."""
    rows = [
        (finding.column or "(no name)", what, finding.detail, finding.advice)
        for findings, lost in ((draft.left_out, "left out: "), (draft.findings, ""))
        for finding in findings
        for what in [lost + finding.finding]
    ]
    return f"What to know of {draft.file}", ["column", "what", "how much", "what to do"], rows


def say_label(draft: Draft) -> Iterator[str]:
    """Say which value means that somebody left, and how many did."""
    label = draft.label
    why = "as you say" if label.was_chosen else "since it is the rarer one; --left VALUE says otherwise"
    share = label.leavers / draft.rows
    yield f"{draft.label_column} = {label.left} means that somebody left, {why}: {label.leavers:,} rows, {share:.1%}"


def name_next_commands(draft: Draft, files: BusinessFiles, source: Path) -> Iterator[str]:
    """Name the commands that come next."""
    if files.declaration.parent not in list_folders():
        yield f"export CHURN_BUSINESSES={shlex.quote(str(files.declaration.parent))}"
    yield f"churn data check {shlex.quote(str(source))} --contract {draft.name}"
    yield f"churn train {shlex.quote(str(source))} --contract {draft.name}"


def figures_from_draft(draft: Draft, files: BusinessFiles, languages: Sequence[str]) -> dict[str, Any]:
    """Return a draft for scripts."""
    return {
        "contract": draft.name,
        "files": [
            *map(os.fspath, (files.declaration, files.policy)),
            *(os.fspath(files.catalogue(code)) for code in languages[1:]),
        ],
        "languages": list(languages),
        "rows": draft.rows,
        "sampled_rows": draft.sampled_rows,
        "label": {"column": draft.label_column, "stayed": draft.label.stayed, "left": draft.label.left},
        "left": draft.label.leavers,
        "as_of": draft.as_of.isoformat() if draft.as_of else None,
        "fields": [
            {
                "name": field.name,
                "column": field.column,
                "kind": field.kind,
                "days_since": field.date.name if field.date else None,
                "categories": len(field.categories) or None,
                "missing": field.is_missing,
                "other": field.is_other,
                "protected": field.is_protected,
                "for_customers": field.is_worded,
            }
            for field in draft.fields
        ],
        "left_out": [finding._asdict() for finding in draft.left_out],
        "findings": [finding._asdict() for finding in draft.findings],
    }


def describe_values(field: DraftField) -> str:
    """Say in a few words what a field may hold."""
    if field.kind == "boolean":
        return "yes or no"
    if field.kind != "category":
        return f"{field.lower:,.15g} to {field.upper:,.15g}"
    more = len(field.categories) - FEW
    return ", ".join(field.categories[:FEW]) + (f" and {more} more" if more > 0 else "")


def _list_marks(field: DraftField) -> str:
    marks = {
        "from a date": field.date is not None,
        "blank": field.is_missing,
        "other": field.is_other,
        "protected": field.is_protected,
        "not for customers": not field.is_worded and not field.is_protected,
    }
    return ", ".join(mark for mark, is_set in marks.items() if is_set)


def shorten_problems(problems: Sequence[str]) -> str:
    """Return the first problems, and how many there are besides."""
    more = len(problems) - FEW
    return "\n".join(problems[:FEW]) + (f"\nand {more} more" if more > 0 else "")
