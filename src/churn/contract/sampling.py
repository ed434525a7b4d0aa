"""Random valid subscribers of any contract, for golden rows, tests and load."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec

NARROW = 1000  # ranges up to this width are drawn evenly, wider ones around the field's example
DECIMALS = 2
BLANK_SHARE = 0.1  # of the values that may be unknown
NO_SHIFT: Mapping[str, float] = {}


def draw_columns(contract: type[Contract], generator: np.random.Generator, count: int) -> dict[str, npt.NDArray[Any]]:
    """Draw valid values, one array of length count for each feature, independent of each other.

    One in ten of the values that may be unknown is None.
    """
    return {spec.name: _draw(spec, generator, count) for spec in contract.features}


def draw_demo_columns(
    contract: type[Contract], generator: np.random.Generator, count: int, shift: Mapping[str, float] = NO_SHIFT
) -> dict[str, npt.NDArray[Any]]:
    """Draw values by the contract's demo process; features that it does not know of as `draw_columns` does."""
    columns = contract.demo.draw(generator, count, shift) if contract.demo else {}
    others = (spec for spec in contract.features if spec.name not in columns)
    return columns | {spec.name: _draw(spec, generator, count) for spec in others}


def draw_subscribers(contract: type[Contract], generator: np.random.Generator, count: int) -> list[Contract]:
    """Draw valid subscribers, as the service would read them from requests."""
    columns = {name: values.tolist() for name, values in draw_columns(contract, generator, count).items()}
    return [contract.model_validate({name: values[row] for name, values in columns.items()}) for row in range(count)]


def _draw(spec: FeatureSpec, generator: np.random.Generator, count: int) -> npt.NDArray[Any]:
    values = _draw_known(spec, generator, count)
    if spec.is_nullable:
        values = values.astype(object)
        values[generator.random(count) < BLANK_SHARE] = None
    return values


def _draw_known(spec: FeatureSpec, generator: np.random.Generator, count: int) -> npt.NDArray[Any]:
    if spec.kind == "category":
        return np.array(spec.categories)[generator.integers(len(spec.categories), size=count)]
    if spec.kind == "boolean":
        return generator.random(count) < 0.5  # noqa: PLR2004 - a fair coin
    lower, upper = spec.lower or 0.0, spec.upper or 0.0
    if upper - lower <= NARROW:
        numbers = generator.uniform(lower, upper + (spec.kind == "integer"), count)
    else:
        numbers = max(float(spec.example), 1.0) * generator.lognormal(-0.5, 1.0, count) + lower
    if spec.kind == "integer":
        return np.clip(np.floor(numbers), lower, upper).astype(np.int64)
    return np.clip(np.round(numbers, DECIMALS), lower, upper)
