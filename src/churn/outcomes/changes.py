"""What would have changed a prediction: what raised it, moved to what is typical where it speaks for staying."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from churn.errors import BundleError
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel
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
        shown: the values that the reasons on the banner speak of; none without a banner.
        probability_without_shown: with only these moved, all together; None if there are none, or if it is not known.
    """

    moved: Sequence[Moved] = ()
    probability: float | None = None
    unknown: str = ""
    shown: Sequence[Moved] = ()
    probability_without_shown: float | None = None


def find_change(record: Record, find_bundle: Callable[[Record], Bundle]) -> Change:
    """Predict anew with what raised the prediction moved together, and with what its banner showed, by its bundle.

    Args:
        find_bundle: loads that bundle, or raises BundleError.
    """
    try:
        model = find_bundle(record).model
    except BundleError as error:
        return Change(unknown=error.message)
    if model.reference is None:
        return Change(unknown="the bundle that answered knows no values that speak for staying")
    names = model.contract.feature_names()
    raising = {name for name in record["reason_features"] if (record[CONTRIBUTION + name] or 0) > 0}
    told = {code.partition(".")[0] for code in record["shown_reasons"]}
    values = values_from_record(record, names)
    moved, probability = _move(model, values, [at for at, name in enumerate(names) if name in raising])
    shown, without_shown = _move(model, values, [at for at, name in enumerate(names) if name in told])
    return Change(
        moved, probability if moved else record["probability"], shown=shown, probability_without_shown=without_shown
    )


def describe_change(record: Record, change: Change) -> str:
    """Say in a sentence what would have changed a prediction."""
    if change.unknown or change.probability is None:
        return f"Not known: {change.unknown}."
    if not change.moved:
        return "None of its reasons raised it."
    said = f"With {_write_moved(change.moved)} it would have been {change.probability:.1%} in place of "
    said += f"{record['probability']:.1%}{_tell_banner(record, change.probability)}."
    if change.probability_without_shown is not None and change.shown != change.moved:
        without = change.probability_without_shown
        said += f" With only what the banner spoke of otherwise, {_write_moved(change.shown)}, it would have been "
        said += f"{without:.1%}{_tell_banner(record, without)}."
    return said


def _write_moved(moved: Sequence[Moved]) -> str:
    return "; ".join(f"“{value.instead_in_words}” in place of “{value.was_in_words}”" for value in moved)


def _tell_banner(record: Record, probability: float) -> str:
    """Tell what would have become of the banner, if there was one."""
    if not record["banner"]:
        return ""
    return f", and there would {'have been no' if probability <= record['threshold'] else 'still have been a'} banner"


def _move(
    model: ChurnModel, values: Sequence[float], features: Collection[int]
) -> tuple[Sequence[Moved], float | None]:
    """Move the concepts of some features together. Return what was moved, and what is predicted then."""
    reference = model.reference
    if reference is None or not features:
        return [], None
    specs = model.contract.features
    moved = [
        Moved(spec.name, was, instead, spec.word_for_team(was), spec.word_for_team(instead))
        for at in sorted({place for feature in features for place in model.contract.together[feature]})
        for spec in [specs[at]]
        for was, instead in [(spec.decode(values[at]), spec.decode(reference[at]))]
        if at in features or was != instead
    ]
    return moved, predict_moved(model, values, [*features])
