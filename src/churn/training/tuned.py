"""The outcome of tuning that a business keeps beside its contract, with the record of how it came about."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from churn.contract.declaration import Contract
from churn.contract.places import locate_files
from churn.errors import DataError, SettingsError
from churn.files import encode_samples, write_bytes
from churn.training.methods.catalogue import XGBOOST, find_method
from churn.training.methods.method import Params


@dataclass(frozen=True, slots=True)
class Tuned:
    """Parameters of a method: `trees`, and its library's own by their names.

    The record has the data, seed, folds, libraries and trials behind them; it is empty for untuned parameters. A file
    that names no method is an earlier one, and XGBoost's.
    """

    params: Params
    record: Mapping[str, Any]
    method: str = XGBOOST.name


UNTUNED = Tuned(
    params={"trees": 200, "max_depth": 3, **XGBOOST.plain},
    record={},
)
"""For a contract that nobody has tuned yet. Training then measures size and number of trees, see `plain.py`."""


def load_tuned(contract: type[Contract]) -> Tuned:
    """Load the parameters that lie beside a contract, or `UNTUNED` if none do.

    Raises:
        DataError: the file there is not as `save_tuned` writes it.
    """
    path = locate_files(contract).tuned
    if not path.is_file():
        return UNTUNED
    try:
        tuned = Tuned(**json.loads(path.read_text(encoding="utf-8")))
        find_method(tuned.method)
    except (OSError, ValueError, TypeError, AttributeError, SettingsError) as error:
        raise DataError(
            f"{path} holds no tuned parameters: {error}", instead="remove it, or let `churn tune` write it anew"
        ) from error
    return tuned


def save_tuned(tuned: Tuned, path: Path) -> None:
    """Write parameters and record as JSON, one line for each trial, whole or not at all."""
    write_bytes(path, encode_samples(asdict(tuned)))
