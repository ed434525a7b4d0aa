"""The committed outcome of tuning, one JSON file per contract, with the record of how it came about."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

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
"""For a contract that nobody has tuned yet: shallow trees at a slow rate are rarely far from the best."""


def load_tuned(contract_name: str) -> Tuned:
    """Load the committed parameters of a contract, or `UNTUNED` if it has none."""
    file = resources.files(__name__) / f"{contract_name}.json"
    if not file.is_file():
        return UNTUNED
    return Tuned(**json.loads(file.read_text(encoding="utf-8")))


def save_tuned(tuned: Tuned, path: Path) -> None:
    """Write parameters and record as JSON, one line for each trial, whole or not at all."""
    write_bytes(path, encode_samples(asdict(tuned)))
