"""The model as a function: subscribers in, predictions out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from churn.answers import DECIMALS, RiskTier, TierLimits
from churn.contract.declaration import Contract, Rows
from churn.explain import Explainer
from churn.model.uplift import Uplift


class Prediction(NamedTuple):
    """One subscriber's answer.

    Args:
        probability: of leaving, rounded to what is shown; whatever is decided is decided on this number.
        values: the encoded numbers in feature order.
        contributions: what each feature adds to the log-odds, in feature order, not rounded.
        base_value: the log-odds before anything is known of this subscriber.
    """

    probability: float
    values: tuple[float, ...]
    contributions: tuple[float, ...]
    base_value: float


@dataclass(frozen=True, slots=True)
class ChurnModel:
    """A contract and the explainer of the model that was trained for it.

    Args:
        reference: in feature order, the encoded number each feature typically has where it speaks for staying; a reason
            is verified by moving its feature there. None where nobody knows: then no reason can be verified.
        threshold: the banner is shown above this probability; None if its bundle leaves that to the contract.
        uplift: what offers change beside what a policy says; None if its bundle says nothing of it.
    """

    contract: type[Contract]
    explain: Explainer
    version: str
    reference: tuple[float, ...] | None = None
    threshold: float | None = None
    uplift: Uplift | None = None

    def predict(self, subscribers: Sequence[Contract]) -> list[Prediction]:
        """Predict and explains; the answer for a subscriber does not depend on who else is in the list."""
        return self.predict_encoded([subscriber.encode() for subscriber in subscribers])

    def predict_encoded(self, values: Sequence[tuple[float, ...]]) -> list[Prediction]:
        """Do the same with what `Contract.encode` returns."""
        explained = self.explain(np.array(values, dtype=np.float32)).tolist()
        return [_build_prediction(row, *parts) for row, parts in zip(values, explained, strict=True)]

    def predict_probabilities(self, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Predict unrounded probabilities of encoded rows: float32 (n, features) in, float64 (n,) out."""
        margins = self.explain(rows).astype(np.float64).sum(axis=1)
        return np.exp(-np.logaddexp(0.0, -margins))


def tier_from_probability(probability: float, limits: TierLimits) -> RiskTier:
    """Return the tier of a probability as shown, so that tier and number never contradict each other."""
    low, medium = limits
    if probability < low:
        return "low"
    return "medium" if probability < medium else "high"


def sigmoid(margin: float) -> float:
    """Turn log-odds into a probability, without overflow at either end."""
    if margin >= 0:
        return 1 / (1 + math.exp(-margin))
    return math.exp(margin) / (1 + math.exp(margin))


def probability_from_contributions(explained: Sequence[float]) -> float:
    """Return the probability as shown, from a row of contributions with the base value last."""
    return round(sigmoid(math.fsum(explained)), DECIMALS)


def _build_prediction(values: tuple[float, ...], *explained: float) -> Prediction:
    return Prediction(probability_from_contributions(explained), values, explained[:-1], explained[-1])
