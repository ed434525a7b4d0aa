"""Groups of subscribers: by the champion's tier, and by each field of the contract, as its wording divides it."""

from __future__ import annotations

from typing import NamedTuple, get_args

import numpy as np

from churn.answers import RiskTier
from churn.contract.declaration import Contract, FeatureSpec
from churn.model.pairs import Numbers, Whole, tiers

TIERS: tuple[RiskTier, ...] = get_args(RiskTier.__value__)
BY_TIER = "risk tier"


class Grouping(NamedTuple):
    """One way to divide subscribers.

    Args:
        name: of what divides them.
        levels: the names of the groups.
        feature: the field's number in the contract; None for the champion's tier.
        bounds: between a number's bands; none where the encoded value is the group's number.
    """

    name: str
    levels: tuple[str, ...]
    feature: int | None = None
    bounds: tuple[float, ...] | None = None

    def of(self, values: Numbers, probability: Numbers) -> Whole:
        """The number of each subscriber's group, (n,).

        Args:
            values: encoded, (n, features).
            probability: the champion's, (n,).
        """
        if self.feature is None:
            return tiers(probability)
        column = values[:, self.feature]
        if self.bounds is None:
            return column.astype(np.int64)
        return np.asarray(np.searchsorted(self.bounds, column, side="right"))


def groupings(contract: type[Contract]) -> list[Grouping]:
    """All of a contract: the tier first, then its fields in order."""
    return [Grouping(BY_TIER, TIERS), *(_of_field(at, spec) for at, spec in enumerate(contract.features))]


def _of_field(at: int, spec: FeatureSpec) -> Grouping:
    """Categories and yes or no are groups of their own; numbers have the bands in which they are worded."""
    if spec.words is not None:
        return Grouping(spec.name, tuple(band.name for band in spec.bands), at, spec.bounds[:-1])
    return Grouping(spec.name, spec.categories or ("no", "yes"), at)
