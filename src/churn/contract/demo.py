"""How a contract's demo data is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class DemoVersion:
    """One version of a contract's demo data: the model that it trains, and what sets it apart."""

    model_version: str
    seed: int
    rows: int
    shift: Mapping[str, float]
    about: str


@dataclass(frozen=True, slots=True)
class DemoProcess:
    """A documented process that demo data comes from.

    Args:
        versions: the data versions it can make, oldest first.
        draw: (generator, rows, shift) -> one array of valid values for each feature that the process knows of, each of
            length rows. Other features are drawn evenly.
        log_odds: (columns, shift) -> true log-odds of leaving, one per row.
    """

    versions: Mapping[str, DemoVersion]
    draw: Callable[[np.random.Generator, int, Mapping[str, float]], dict[str, npt.NDArray[Any]]]
    log_odds: Callable[[Mapping[str, npt.NDArray[Any]], Mapping[str, float]], npt.NDArray[np.float64]]
