"""What would have changed a prediction: what raised it, moved to what is typical where it speaks for staying."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from churn.errors import BundleError
from churn.model.bundle import Bundle
from churn.prediction_log.record import CONTRIBUTION, Record, values_from_record
from churn.retention.verifying import predict_moved


class Moved(NamedTuple):
    """One value, and the one in its place, as the contract writes them and in words."""

    feature: str
    was: Any
    instead: Any
    was_in_words: str
    instead_in_words: str


class Change(NamedTuple):
    """What would have been predicted with other values.

    Args:
        moved: the values; none if nothing raised the prediction.
        probability: with all of them moved together; None if it is not known.
        unknown: why it is not known.
    """

    moved: Sequence[Moved] = ()
    probability: float | None = None
    unknown: str = ""


def find_change(record: Record, find_bundle: Callable[[Record], Bundle]) -> Change:
    """Predict anew with the reasons that raised the prediction moved together, by the bundle that answered.

    Args:
        find_bundle: loads that bundle, or raises BundleError.
    """
    try:
        model = find_bundle(record).model
    except BundleError as error:
        return Change(unknown=error.message)
    if model.reference is None:
        return Change(unknown="the bundle that answered knows no values that speak for staying")
    specs = model.contract.features
    raising = {name for name in record["reason_features"] if (record[CONTRIBUTION + name] or 0) > 0}
    features = [at for at, spec in enumerate(specs) if spec.name in raising]
    values = values_from_record(record, model.contract.feature_names())
    moved = [
        Moved(spec.name, was, instead, spec.word_for_team(was), spec.word_for_team(instead))
        for at in sorted({place for feature in features for place in model.contract.together[feature]})
        for spec, reference in [(specs[at], model.reference[at])]
        for was, instead in [(spec.decode(values[at]), spec.decode(reference))]
        if at in features or was != instead
    ]
    return Change(moved, predict_moved(model, values, features)) if moved else Change(moved, record["probability"])
