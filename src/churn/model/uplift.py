"""What offers change for one subscriber: the uplift of a bundle adjusts the effect that a policy says."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from churn.answers import DECIMALS
from churn.explain import Explainer


class Adjustment(NamedTuple):
    """What an uplift adds to the effect of an offer on one subscriber.

    Args:
        points: of leaving prevented, rounded to what is shown; whatever is decided is decided on this number. Below 0
            the offer prevents less than the policy says.
        contributions: what each feature adds to it, in feature order, not rounded. With the base value, which is the
            same for everybody, they add up to the points.
    """

    points: float
    contributions: tuple[float, ...] = ()


NO_ADJUSTMENT = Adjustment(0.0)


@dataclass(frozen=True, slots=True)
class Uplift:
    """The uplift of a bundle: an explainer for each offer, by its code, and maybe for the banner alone.

    Args:
        effects_sha256: of the effects that it adjusts. Over other effects it would count something twice.
    """

    explainers: Mapping[str, Explainer]
    effects_sha256: str

    def find_adjustment(self, encoded: Sequence[float], code: str) -> Adjustment:
        """Find what is added to the effect of an offer, by its code; nothing if it has no explainer.

        Args:
            encoded: the subscriber's values as `Contract.encode` returns them. NaN stands for what is not known.
        """
        explain = self.explainers.get(code)
        if explain is None:
            return NO_ADJUSTMENT
        [explained] = explain(np.array([encoded], dtype=np.float32)).tolist()
        return Adjustment(round(math.fsum(explained), DECIMALS) + 0.0, tuple(explained[:-1]))
