"""Above which probability the banner is shown, and who says so: the operator, the bundle or the contract."""

from typing import Literal, NamedTuple

from churn.model.model import ChurnModel

type Source = Literal["CHURN_THRESHOLD", "bundle", "contract"]


class Threshold(NamedTuple):
    """The banner is shown above this probability; the source is who says so."""

    probability: float
    source: Source


def find_threshold(model: ChurnModel, setting: float | None) -> Threshold:
    """Return the threshold in force: the setting, else what the bundle was sealed with, else the contract's."""
    if setting is not None:
        return Threshold(setting, "CHURN_THRESHOLD")
    if model.threshold is not None:
        return Threshold(model.threshold, "bundle")
    return Threshold(model.contract.threshold, "contract")
