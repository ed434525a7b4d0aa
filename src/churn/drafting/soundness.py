"""What is asked of every contract beyond what a declaration is refused for: by `churn contract test` and our own tests.

A check is a function of a contract that yields each problem in a sentence. Its docstring's first line is its name.
A reminder is the same, of what holds and is still for a person to say.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from churn.contract.catalogues import list_drafted, list_languages, list_missing
from churn.contract.cells import read_cells, text_from_cell
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.messages import Message, list_messages
from churn.contract.places import locate_files
from churn.contract.sampling import draw_columns
from churn.errors import ChurnError
from churn.retention.offers.policy import load_policy

DRAWN = 300  # subscribers that each check looks at
SEED = 0
WRONG_VALUES: tuple[Any, ...] = ([], {}, "1e3 of no kind" * 10, math.nan, math.inf, 10**400)

type Check = Callable[[type[Contract]], Iterator[str]]


class CheckResult(NamedTuple):
    """What one check found."""

    check: str
    problems: Sequence[str]


def check_example(contract: type[Contract]) -> Iterator[str]:
    """The examples of the fields make a valid customer."""
    try:
        example = contract.model_validate(contract.example()).model_dump()
    except ValidationError as error:
        yield from (f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
    else:
        yield from (
            f"{name} becomes {example[name]!r}" for name, value in contract.example().items() if example[name] != value
        )


def check_meanings(contract: type[Contract]) -> Iterator[str]:
    """The contract says what it is."""
    if not (contract.__doc__ or "").strip():
        yield "the class has no docstring"


def check_words(contract: type[Contract]) -> Iterator[str]:
    """Every value has words without a gap."""
    for spec, values in _draw_values(contract):
        for value in values:
            words = spec.word_for_team(value)
            if not words or "{" in words or "}" in words:
                yield f"{spec.name} of {value!r} reads {words!r}"
                break


def check_codes(contract: type[Contract]) -> Iterator[str]:
    """No two reasons share a code."""
    codes = [f"{spec.name}.{band.name}" for spec in contract.features for band in spec.bands]
    yield from (f"{code} stands for two" for code in sorted({code for code in codes if codes.count(code) > 1}))


def check_decoding(contract: type[Contract]) -> Iterator[str]:
    """A value that is encoded decodes to itself."""
    for spec, values in _draw_values(contract):
        for value in values:
            decoded = spec.decode(spec.encode(value))
            if (decoded, type(decoded)) != (value, type(value)):
                yield f"{spec.name}: {value!r} decodes to {decoded!r}"
                break


def check_columns(contract: type[Contract]) -> Iterator[str]:
    """Rows and columns are encoded alike."""
    columns = _draw(contract)
    together = contract.encode_columns(columns)
    subscribers = _subscribers(columns)
    one_by_one = np.array([contract.model_validate(row).encode() for row in subscribers], dtype=np.float32)
    for spec, column, rows in zip(contract.features, together.T, one_by_one.T, strict=True):
        if column.tobytes() != rows.tobytes():
            yield f"{spec.name} is encoded otherwise in a column than in a request"
        if not (np.isfinite(column) | (np.isnan(column) & spec.is_nullable)).all():
            yield f"{spec.name} is encoded as what is no finite number"


def check_cells(contract: type[Contract]) -> Iterator[str]:
    """A data file and a request say the same."""
    for row in _subscribers(_draw(contract)):
        cells = {name: text_from_cell(value) for name, value in row.items()}
        read = read_cells(contract, cells)
        if isinstance(read, list):
            yield f"{read[0].column}: the cell {read[0].cell!r} is refused, {read[0].check}"
            return
        if read != contract.model_validate(row):
            yield f"the row {cells} reads as {read!r}"
            return


def check_refusals(contract: type[Contract]) -> Iterator[str]:
    """No field takes what is of another type or out of range."""
    for spec in contract.features:
        for wrong in _list_wrong(spec):
            try:
                contract.model_validate(contract.example() | {spec.name: wrong})
            except OverflowError:
                continue
            except ValidationError as error:
                if any(item["loc"] == (spec.name,) for item in error.errors()):
                    continue
                yield f"{spec.name}: {str(wrong)[:30]} is refused, and another field is blamed"
            else:
                yield f"{spec.name} takes {str(wrong)[:30]}"
            break


def check_policy(contract: type[Contract]) -> Iterator[str]:
    """The policy of offers beside it is valid."""
    try:
        load_policy(None, contract, languages=list_languages(contract))
    except ChurnError as error:
        yield f"{locate_files(contract).policy.name}: {error.message}"


def check_languages(contract: type[Contract]) -> Iterator[str]:
    """Each language of the policy has all messages."""
    for code in _list_promised(contract):
        drafted, messages = list_drafted(contract, code), list_messages(contract)
        if missing := [message for message in list_missing(contract, code) if message not in drafted]:
            yield (
                f"{code} lacks {len(missing)} of {len(messages)} messages, such as {_quote(missing[0])}: "
                f"churn contract messages {contract.contract_name} --language {code}"
            )


def remind_of_todos(contract: type[Contract]) -> Iterator[str]:
    """What says TODO: replace it."""
    if "TODO" in (contract.__doc__ or ""):
        yield "the class's docstring"
    yield from (f"the description of {spec.name}" for spec in contract.features if "TODO" in spec.meaning)


def remind_of_texts(contract: type[Contract]) -> Iterator[str]:
    """Where customers read label and value only: say what they have, and what would help."""
    for spec in contract.features:
        if spec.is_showable and all(band.raises == band.lowers for band in spec.bands):
            yield spec.name


def remind_of_translations(contract: type[Contract]) -> Iterator[str]:
    """What says TODO in a catalogue: translate it."""
    for code in _list_promised(contract):
        if drafted := list_drafted(contract, code):
            yield f"{code}: {len(drafted)} messages, such as {_quote(drafted[0])}"


def _list_promised(contract: type[Contract]) -> Sequence[str]:
    """List the languages of the policy. Another check tells of a policy that is not valid; here it has none."""
    try:
        return load_policy(None, contract, languages=list_languages(contract)).document.languages
    except ChurnError:
        return ()


def _quote(message: Message) -> str:
    return repr(message if isinstance(message, str) else message[0])


CHECKS: tuple[Check, ...] = (
    check_example, check_meanings, check_words, check_codes, check_decoding, check_columns, check_cells, check_refusals,
    check_policy, check_languages,
)  # fmt: skip
REMINDERS: tuple[Check, ...] = (remind_of_todos, remind_of_texts, remind_of_translations)


def run_checks(contract: type[Contract]) -> list[CheckResult]:
    """Run all checks."""
    return _run(CHECKS, contract)


def list_reminders(contract: type[Contract]) -> list[CheckResult]:
    """List what holds, and is still for a person to say; nothing where there is nothing."""
    return [result for result in _run(REMINDERS, contract) if result.problems]


def _run(checks: Sequence[Check], contract: type[Contract]) -> list[CheckResult]:
    return [CheckResult(name_check(check), list(check(contract))) for check in checks]


def name_check(check: Check) -> str:
    """Return the sentence that the check holds."""
    return (check.__doc__ or "").partition("\n")[0].rstrip(".")


def _list_wrong(spec: FeatureSpec) -> list[Any]:
    wrong = list(WRONG_VALUES)
    if not spec.is_nullable:
        wrong.append(None)
    if not spec.marker.other:
        wrong.append("1e3")
    if spec.kind != "number":
        wrong.append(0.5)
    if spec.lower is not None:
        wrong.append(math.nextafter(spec.lower, -math.inf) - 1)
    if spec.upper is not None:
        wrong.append(math.nextafter(spec.upper, math.inf) + 1)
    return wrong


def _draw(contract: type[Contract]) -> dict[str, Any]:
    """Draw valid values of each field; the first are its limits."""
    columns = draw_columns(contract, np.random.default_rng(SEED), DRAWN)
    for spec in contract.features:
        for at, limit in enumerate((spec.lower, spec.upper)):
            if limit is not None:
                columns[spec.name][at] = spec.decode(limit)
    return columns


def _subscribers(columns: dict[str, Any]) -> list[dict[str, Any]]:
    lists = {name: values.tolist() for name, values in columns.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _draw_values(contract: type[Contract]) -> Iterator[tuple[FeatureSpec, list[Any]]]:
    columns = _draw(contract)
    yield from ((spec, columns[spec.name].tolist()) for spec in contract.features)
