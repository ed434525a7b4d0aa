"""What is wrong with a policy file: where it stands, in the writer's own names, and what to do instead."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from churn.errors import OfferPolicyError
from churn.retention.offers.benefit import PolicyTable
from churn.retention.offers.document import PolicyDocument

# The lists of tables, each with the key that names one of them.
TABLES = {"offer": "code", "segment": "name"}
# Of pydantic's words those of TOML, and ours.
WORDS = {
    "tuple": "list",
    "Tuple": "list",
    "dictionary": "table",
    "Dictionary": "table",
    "String": "text",
    "string": "text",
}


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing that is wrong. A place is such as `offer "yearly-20": eligible: tenure`; empty for the whole file."""

    place: str
    what: str
    instead: str


def build_policy_error(path: Path, problems: Sequence[PolicyProblem]) -> OfferPolicyError:
    """Make one error of all problems of a file; at least one."""
    places = [f"{problem.place}: " if problem.place else "" for problem in problems]
    if len(problems) == 1:
        return OfferPolicyError(f"{path}: {places[0]}{problems[0].what}", instead=problems[0].instead)
    lines = [f"  {place}{problem.what}; {problem.instead}" for place, problem in zip(places, problems, strict=True)]
    return OfferPolicyError(
        "\n".join([f"{path}: {len(problems)} problems", *lines]), instead="correct them all, then check it again"
    )


def problems_from_validation(error: ValidationError, content: Mapping[str, Any]) -> list[PolicyProblem]:
    """Read the problems that pydantic found in a file's content."""
    return [_problem_from_error(dict(detail), content) for detail in error.errors(include_url=False)]


def _problem_from_error(detail: Mapping[str, Any], content: Mapping[str, Any]) -> PolicyProblem:
    location = detail["loc"]
    place = _name_place(location, content)
    if detail["type"] == "missing":
        return PolicyProblem(place, "is missing", f"add {_describe(location)}")
    if detail["type"] == "extra_forbidden":
        tables: list[type[PolicyTable]] = [PolicyDocument, *(table for _, table in _walk_fields(location[:-1]))]
        known = ", ".join(field.alias or name for name, field in tables[-1].model_fields.items())
        return PolicyProblem(place, "is not known", f"correct the name or leave it out; here may stand {known}")
    what = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["type"] == "string_pattern_mismatch":  # only names have a pattern
        what = "should be lower-case letters and digits, joined by dots or hyphens"
    for theirs, ours in WORDS.items():
        what = what.replace(theirs, ours)
    shown = "" if isinstance(detail["input"], dict | list | PolicyTable) else f", not {detail['input']!r}"
    return PolicyProblem(place, f"{what}{shown}", f"give {_describe(location)}")


def _name_place(location: Sequence[int | str], content: Mapping[str, Any]) -> str:
    """Name a place by keys; a table of a list by its own name, else by its number, such as `offer 2`."""
    names: list[str] = []
    table: Any = content
    for step in location:
        if isinstance(step, int) and names and isinstance(table, list) and names[-1] in TABLES:
            table = table[step]
            name = table.get(TABLES[names[-1]]) if isinstance(table, dict) else None
            names[-1] += f' "{name}"' if isinstance(name, str) else f" {step + 1}"
        else:
            table = table.get(step) if isinstance(table, dict) else None
            names.append(str(step))
    return ": ".join(names)


def _describe(location: Sequence[int | str]) -> str:
    """Say what the nearest known key is for."""
    described = [field.description for field, _ in _walk_fields(location) if field.description]
    return described[-1] if described else "what docs/offers.md says of it"


def _walk_fields(location: Sequence[int | str]) -> Iterator[tuple[FieldInfo, type[PolicyTable]]]:
    """Yield the fields on the way to a place, without list positions and keys that the writer chose.

    Each comes with the table that holds what stands below it.
    """
    table: type[PolicyTable] = PolicyDocument
    for step in location:
        field = next((known for name, known in table.model_fields.items() if step == (known.alias or name)), None)
        if field is not None:
            table = next(_find_models(field.annotation), table)
            yield field, table


def _find_models(annotation: Any) -> Iterator[type[PolicyTable]]:
    """Yield the tables in a type, such as `Discount` in `Discount | None`."""
    if isinstance(annotation, type) and issubclass(annotation, PolicyTable):
        yield annotation
    for inner in get_args(annotation):
        yield from _find_models(inner)
