"""What is at stake in each action for each row of the log: margin, cost, and the effect that a policy assumes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.retention.offers.actions import BANNER_ALONE, NOTHING
from churn.retention.offers.conditions import Limits
from churn.retention.offers.document import OTHERS
from churn.retention.offers.policy import Policy, Terms

DAY_US = 24 * 3600 * 10**6
EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Stakes:
    """What a policy says of n rows and a actions, with s declared segments. Amounts are in the policy's currency.

    Args:
        actions: those of the exposures, then offers of the policy that no row could have had, (a,).
        margin: what it is worth to keep the subscriber, (n,); NaN in a policy whose offers name different worths.
        worth: what an offer says that it is worth to keep somebody by it, (a,); NaN where the margin counts.
        full_cost: of each action for somebody who accepts and stays, (n, a); 0 where it costs nothing.
        take_up: the assumed share who accept, (a,).
        leavers_use: the assumed share of the cost that somebody uses up who accepts and leaves, (a,).
        months: for how many bills each action's discount lasts, (a,); 0 without a discount.
        fixed_cost: what of the cost is no discount, (a,).
        saves: the assumed share of leaving that each action prevents, (n, a); NaN where it is not possible.
        offers: the policy's offers in its order, as indices of `actions`.
        segments: the names of the declared segments, and `others`, (s + 1,).
        segment: of each row, as an index of `segments`, (n,).
    """

    actions: tuple[str, ...]
    margin: Numbers
    worth: Numbers
    full_cost: Numbers
    take_up: Numbers
    leavers_use: Numbers
    months: Numbers
    fixed_cost: Numbers
    saves: Numbers
    offers: npt.NDArray[np.int64]
    segments: tuple[str, ...]
    segment: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.margin)

    @property
    def gain(self) -> Numbers:
        """Return what it is worth to keep each subscriber by each action, (n, a)."""
        return np.where(np.isnan(self.worth), self.margin[:, None], self.worth)

    def choose(self, rows: Flags | npt.NDArray[np.int64]) -> Self:
        """Return those of some rows, by a mask or by their places."""
        return replace(
            self,
            margin=self.margin[rows],
            full_cost=self.full_cost[rows],
            saves=self.saves[rows],
            segment=self.segment[rows],
        )


def weigh_exposures(exposures: Exposures, policy: Policy, contract: type[Contract]) -> Stakes:
    """Say what a policy puts at stake in each row, as on the row's own day.

    An offer is possible where its conditions hold, it has not expired, and it answers a reason that was shown, or for
    the holdout would have been. Whether the subscriber accepted another offer lately is not known here: the row's
    propensities say it.
    """
    columns = {name: exposures.features[:, at] for at, name in enumerate(exposures.feature_names)}
    specs = {spec.name: spec for spec in contract.features}
    terms_by_code = {terms.code: terms for terms in policy.terms}
    added = [code for code in terms_by_code if code not in exposures.actions]
    actions = (*exposures.actions, *added)
    shape = (len(exposures), len(actions))
    saves, full_cost = np.full(shape, np.nan), np.zeros(shape)
    has_reasons = np.array([bool(groups) for groups in exposures.reasons], dtype=bool)
    days = EPOCH_DAY + exposures.time // DAY_US
    price, margin = _weigh_subscribers(policy, columns, len(exposures))
    for at, action in enumerate(actions):
        if action == NOTHING:
            saves[:, at] = 0.0
        elif action == BANNER_ALONE:
            saves[has_reasons, at] = 0.0
        elif terms := terms_by_code.get(action):
            possible = _meet(terms.eligible, columns, specs, len(exposures)) & (days <= terms.offer.expires.toordinal())
            saves[:, at] = np.where(possible, _find_saves(terms, exposures.reasons), np.nan)
            full_cost[:, at] = _cost_in_full(terms, price)
    offers = [terms_by_code.get(action) for action in actions]
    segment = np.full(len(exposures), len(policy.segments))
    for at in reversed(range(len(policy.segments))):  # the first that fits counts
        segment[_meet(policy.segments[at].when, columns, specs, len(exposures))] = at
    return Stakes(
        actions=actions,
        margin=margin,
        worth=np.array([terms.offer.worth_dollars or np.nan if terms else np.nan for terms in offers]),
        full_cost=full_cost,
        take_up=np.array([terms.offer.take_up if terms else 0.0 for terms in offers]),
        leavers_use=np.array([terms.offer.leavers_use if terms else 1.0 for terms in offers]),
        months=np.array([float(terms.benefit.months) if terms else 0.0 for terms in offers]),
        fixed_cost=np.array([terms.offer.cost_dollars if terms else 0.0 for terms in offers]),
        saves=saves,
        offers=np.array([actions.index(code) for code in terms_by_code], dtype=np.int64),
        segments=(*(segment.name for segment in policy.segments), OTHERS),
        segment=segment,
    )


def _weigh_subscribers(policy: Policy, columns: Mapping[str, Numbers], count: int) -> tuple[Numbers | None, Numbers]:
    """Return the prices, an unknown one as 0, and the margins; no prices if the policy knows of none."""
    field, assumed = policy.document.price_field, policy.document.assumptions
    if field is None or assumed is None:
        worths = {terms.offer.worth_dollars for terms in policy.terms}
        return None, np.full(count, worths.pop() if len(worths) == 1 else np.nan)
    price = np.nan_to_num(columns[field], nan=0.0)
    return price, price * assumed.margin_share * assumed.months_kept


def _cost_in_full(terms: Terms, price: Numbers | None) -> Numbers | float:
    """Return what an accepted offer costs over all its months, as the policy's own benefit says it of each price."""
    benefit, fixed = terms.benefit, terms.offer.cost_dollars
    if price is None:
        return benefit.months * benefit.monthly_dollars(None) + fixed
    prices, places = np.unique(price, return_inverse=True)
    return np.array([benefit.months * benefit.monthly_dollars(float(one)) + fixed for one in prices])[places]


def _find_saves(terms: Terms, reasons: Sequence[tuple[str, ...]]) -> Numbers:
    """Return the largest share that the offer saves for one of each row's reasons; NaN if it answers none."""
    saves = terms.offer.saves
    largest = {
        groups: max((saves[group] for group in groups if group in saves), default=np.nan) for groups in {*reasons}
    }
    return np.array([largest[groups] for groups in reasons], dtype=float)


def _meet(
    limits: Iterable[Limits], columns: Mapping[str, Numbers], specs: Mapping[str, FeatureSpec], count: int
) -> Flags:
    """Tell which rows meet all conditions. Of what is not known no condition is met."""
    met = np.ones(count, dtype=bool)
    for field, values, low, high in limits:
        column = columns[field]
        if values is None:
            met &= (low <= column) & (column <= high)
        else:
            met &= np.isin(column, [specs[field].encode(value) for value in values])  # type: ignore[arg-type]
    return met
