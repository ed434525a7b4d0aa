"""The demo's subscribers where a business declares none: drawn from its contract, or the first rows of a file."""

import csv
import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from churn.contract import sampling
from churn.contract.cells import read_cells
from churn.contract.declaration import Contract
from churn.contract.deriving import request_from_values
from churn.contract.language import ENGLISH
from churn.errors import SettingsError
from portal.facts import describe_facts
from portal.records import KEY, DemoSubscriber

SUBSCRIBERS = 12
SEED = 12
MOST_IN_TITLE = 2


def draw_subscribers(contract: type[Contract]) -> list[DemoSubscriber]:
    """Draw twelve, the same at each start. Their values have nothing to do with each other."""
    today = datetime.now(UTC).date()
    drawn = sampling.draw_subscribers(contract, np.random.default_rng(SEED), SUBSCRIBERS)
    keys = (
        hashlib.sha256(f"{contract.contract_name} {number}".encode()).hexdigest()[:16] for number in range(SUBSCRIBERS)
    )
    return [
        _subscriber(number, key, subscriber, today, "Drawn at random from the contract")
        for number, (key, subscriber) in enumerate(zip(keys, drawn, strict=True), start=1)
    ]


def read_subscribers(contract: type[Contract], path: Path) -> list[DemoSubscriber]:
    """Read the first twelve rows of a CSV file. The contract's id column has their keys.

    Their dates are moved, so that they lie as long before today as before the day that the file's dates are counted to.

    Raises:
        SettingsError: the file cannot be read, or a row is not valid.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(islice(csv.DictReader(file), SUBSCRIBERS))
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unusable(path, "it is no CSV in UTF-8") from error
    if not rows:
        raise _unusable(path, "it has no rows")
    subscribers = [_read_row(contract, path, number, row) for number, row in enumerate(rows, start=1)]
    if len({subscriber.key for subscriber in subscribers}) < len(subscribers):
        raise _unusable(path, f"two of its first {len(subscribers)} rows have the same {contract.id_column}")
    return subscribers


def _read_row(contract: type[Contract], path: Path, number: int, row: Mapping[str, str]) -> DemoSubscriber:
    key = row.get(contract.id_column) or ""
    if not KEY.fullmatch(key):
        raise _unusable(path, f"row {number} has no key of 1 to 128 visible ASCII characters in {contract.id_column}")
    today = datetime.now(UTC).date()
    cells = {name: cell or "" for name, cell in row.items() if isinstance(name, str)}
    subscriber = read_cells(contract, cells, contract.as_of or today)
    if isinstance(subscriber, list):
        wrong = ", ".join(f"{bad.column}: {bad.check}" for bad in subscriber)
        raise _unusable(path, f"row {number} is not valid: {wrong}")
    return _subscriber(number, key, subscriber, today, f"{contract.id_column} {key}")


def describe_person(
    contract: type[Contract], facts: Mapping[str, Any], number: int, language: str = ENGLISH.code
) -> str:
    """Return a few words about a person, who reads them too: the first facts that they may be shown."""
    described = [f"{fact.label}: {fact.value}" for fact in describe_facts(contract, facts, language)[:MOST_IN_TITLE]]
    return ", ".join(described) or f"Subscriber {number}"


def _subscriber(number: int, key: str, subscriber: Contract, today: date, about: str) -> DemoSubscriber:
    facts = request_from_values(type(subscriber), subscriber.model_dump(), today)
    return DemoSubscriber(key, number, describe_person(type(subscriber), facts, number), about, facts)


def _unusable(path: Path, wrong: str) -> SettingsError:
    return SettingsError(
        f"PORTAL_SUBSCRIBERS: {path} cannot be used: {wrong}",
        instead="name a CSV file in the form of the training data, or unset it",
    )
