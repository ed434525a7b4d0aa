"""The outcome of tuning that a business keeps beside its contract, with the record of how it came about."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from churn.contract.declaration import Contract
from churn.contract.places import locate_files
from churn.errors import DataError
from churn.files import encode_samples, write_bytes

type Params = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Tuned:
    """Parameters for `fit_xgboost`: `trees`, and XGBoost's own by their names.

    The record has the data, seed, folds, libraries and trials behind them; it is empty for untuned parameters.
    """

    params: Params
    record: Mapping[str, Any]


UNTUNED = Tuned(
    params={"trees": 200, "max_depth": 3, "learning_rate": 0.05, "subsample": 0.8, "colsample_bytree": 0.8},
    record={},
)
"""For a contract that nobody has tuned yet. Training then measures depth and number of trees, see `plain.py`."""


def load_tuned(contract: type[Contract]) -> Tuned:
    """Load the parameters that lie beside a contract, or `UNTUNED` if none do.

    Raises:
        DataError: the file there is not as `save_tuned` writes it.
    """
    path = locate_files(contract).tuned
    if not path.is_file():
        return UNTUNED
    try:
        return Tuned(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} holds no tuned parameters: {error}", instead="remove it, or let `churn tune` write it anew"
        ) from error


def save_tuned(tuned: Tuned, path: Path) -> None:
    """Write parameters and record as JSON, one line for each trial, whole or not at all."""
    write_bytes(path, encode_samples(asdict(tuned)))
