"""Whether a reason holds: without what it speaks of, the model's probability is lower.

"Without" means that the values of its concept are moved together to what is typical where they speak for staying: the
bundle's reference. This is true of the model. What the person would do, it does not say.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from churn.errors import DataError
from churn.model.model import ChurnModel, Prediction
from churn.model.pairs import STEPS


class Rule(NamedTuple):
    """How a reason is verified.

    Args:
        moves_concept: whether all values of the reason's concept are moved; else the reason's value alone.
        least_fall: by how much the probability must fall, as shown, in steps of its last decimal.
        least_adjustment_fall: for a reason of an offer: by how much what an uplift adds to its effect must fall.
    """

    moves_concept: bool
    least_fall: int
    least_adjustment_fall: int = STEPS // 200


LATEST = 2
# Each by its number, which a record has. None of them may change, or earlier answers could not be made again.
RULES: Mapping[int, Rule] = {
    1: Rule(moves_concept=False, least_fall=1),
    LATEST: Rule(moves_concept=True, least_fall=STEPS // 100),
}


def find_rule(number: int | None) -> Rule:
    """Return the rule that a record names. Versions that named none had the first.

    Raises:
        DataError: it is the rule of a later version.
    """
    rule = RULES.get(1 if number is None else number)
    if rule is None:
        raise DataError(
            f"the banner's reasons were verified by rule {number}, and this program knows {', '.join(map(str, RULES))}",
            instead="replay it with the version of the code that recorded it, or a later one",
        )
    return rule


def verify_reasons(
    model: ChurnModel, prediction: Prediction, features: Sequence[int], rule: Rule = RULES[LATEST]
) -> dict[int, bool]:
    """Tell for some features, by number, whether the probability falls far enough without what they speak of.

    The probability is the one that is shown. Anybody can send the same subscriber with the values replaced by the
    bundle's reference, and see it fall.
    """
    reference = model.reference
    if reference is None:
        return dict.fromkeys(features, False)
    together = model.contract.together
    moved = [
        move_values(prediction.values, reference, together[at] if rule.moves_concept else (at,)) for at in features
    ]
    # Probabilities are shown in whole steps, so two of them compare exactly.
    highest = (round(prediction.probability * STEPS) - rule.least_fall) / STEPS
    others = model.predict_encoded(moved)
    return {at: other.probability <= highest for at, other in zip(features, others, strict=True)}


def predict_moved(model: ChurnModel, values: Sequence[float], features: Sequence[int]) -> float | None:
    """Predict with the concepts of some features moved together; None where nobody knows where to."""
    if model.reference is None:
        return None
    places = {place for at in features for place in model.contract.together[at]}
    return model.predict_encoded([move_values(values, model.reference, places)])[0].probability


def move_values(values: Sequence[float], reference: Sequence[float], places: Iterable[int]) -> tuple[float, ...]:
    """Replace the values at some places by those of the reference."""
    moved = list(values)
    for at in places:
        moved[at] = reference[at]
    return tuple(moved)
