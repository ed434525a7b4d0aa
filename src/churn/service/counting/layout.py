"""Which cell of a row of numbers counts what. All that can ever be counted is known when the service starts."""

from itertools import combinations, product
from typing import NamedTuple

from churn.answers import ARMS, BANNER_EVENT_NAMES, TIERS
from churn.judging.metrics import METRICS, NOBODY, OTHER, SET_SIGN, TOP_REASONS, Metric
from churn.model.model import ChurnModel
from churn.retention.offers.policy import Policy
from churn.service.counting.ledger import MOST_NAMES

NO_OFFER = "none"

type LabelValues = tuple[str, ...]


class ServedModel(NamedTuple):
    """What a service serves, in words that can be labels; the same in all of its workers."""

    model_version: str
    bundle_sha256: str
    contract: str
    contract_fingerprint: str
    features: tuple[str, ...]
    offers: tuple[str, ...]
    has_challenger: bool = False

    def values_of_labels(self) -> dict[str, LabelValues]:
        """Return the values of the labels that depend on the model."""
        return {
            "model_version": (self.model_version,),
            "event": BANNER_EVENT_NAMES,
            "version": (self.model_version, OTHER),
            "tier": TIERS,
            "champion": TIERS,
            "challenger": TIERS,
            "arm": ARMS,
            "caller": (NOBODY, OTHER, *map(str, range(MOST_NAMES))),  # by the numbers of their names
            "offer": (*self.offers, NO_OFFER),
            "features": tuple(map(SET_SIGN.join, combinations(self.features, TOP_REASONS))),
        }


def describe_served_model(
    model: ChurnModel, policy: Policy, *, bundle_sha256: str = "", has_challenger: bool = False
) -> ServedModel:
    """Return the names of a model and its offers. `bundle_sha256` is empty where there is no bundle."""
    contract = model.contract
    return ServedModel(
        model.version,
        bundle_sha256,
        contract.contract_name,
        contract.fingerprint,
        tuple(contract.feature_names()),
        tuple(terms.code for terms in policy.terms),
        has_challenger,
    )


class CellRange(NamedTuple):
    """The cells of one metric: for each set of label values `width` of them, one after the other.

    A histogram has one for each bucket, not summed up, one for what lies above all bounds, and one for the sum.
    """

    first: int
    label_sets: tuple[LabelValues, ...]
    width: int

    def first_cells(self) -> dict[LabelValues, int]:
        """Return the first cell of each set of label values."""
        return {values: self.first + number * self.width for number, values in enumerate(self.label_sets)}


type Layout = dict[Metric, CellRange]


def lay_out_cells(served: ServedModel) -> Layout:
    """Give each metric that is counted its cells. Without a challenger there are none for what it answers."""
    served_values = served.values_of_labels()
    layout: Layout = {}
    first = 0
    for metric in METRICS:
        if not metric.is_counted:
            continue
        values = [served_values[label] if fixed is None else fixed for label, fixed in metric.labels.items()]
        label_sets = () if metric.is_shadow and not served.has_challenger else tuple(product(*values))
        bounds = metric.cell_bounds or metric.bounds
        layout[metric] = CellRange(first, label_sets, len(bounds) + 2 if bounds else 1)
        first = count_cells(layout)
    return layout


def count_cells(layout: Layout) -> int:
    """Return the number of cells that a layout takes."""
    return sum(len(cells.label_sets) * cells.width for cells in layout.values())
