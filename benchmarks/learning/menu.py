"""What a policy says of each subscriber: which actions are possible, what they cost and what they are assumed to do.

It reads the policy's own words and nothing that is made of them, so that it can be a witness for the code under test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from benchmarks.learning.population import Flags, Numbers, Places, Population
from churn.retention.offers.benefit import Discount
from churn.retention.offers.document import Condition, OfferDocument, PolicyDocument

NOTHING: Final = 0
BANNER: Final = 1
NO_OFFER: Final = ("nothing", "banner alone")


@dataclass(frozen=True, slots=True)
class Menu:
    """What is possible for n subscribers, among a actions.

    Args:
        actions: `nothing`, `banner alone`, then the codes of the offers, (a,).
        possible: (n, a). Nothing and the banner alone always are; an offer where it is eligible and answers a reason.
        full_cost: of an offer that is accepted and used up, in dollars, (n, a); 0 without an offer.
        saves: the assumed share of leaving that it prevents, (n, a); 0 without an offer, and where it is not possible.
        take_up: the assumed share who accept, (a,).
        margin: what it is worth to keep a subscriber, in dollars, (n,).
    """

    actions: tuple[str, ...]
    possible: Flags
    full_cost: Numbers
    saves: Numbers
    take_up: Numbers
    margin: Numbers

    def choose(self, rows: Flags | Places) -> Menu:
        """Return that of some subscribers."""
        return replace(
            self,
            possible=self.possible[rows],
            full_cost=self.full_cost[rows],
            saves=self.saves[rows],
            margin=self.margin[rows],
        )


def read_menu(population: Population, document: PolicyDocument) -> Menu:
    """Read what a policy says of each subscriber. The policy needs a price field."""
    assumed = document.assumptions
    if document.price_field is None or assumed is None:
        raise AssertionError(document.version)
    price = population.columns[document.price_field].astype(np.float64)
    count = len(population)
    possible = np.ones((count, len(NO_OFFER) + len(document.offers)), dtype=bool)
    full_cost, saves = np.zeros(possible.shape), np.zeros(possible.shape)
    for at, offer in enumerate(document.offers, start=len(NO_OFFER)):
        rates = np.array([offer.saves.get(group, -1.0) for group in population.groups] + [-1.0])
        rate = rates[population.reasons].max(axis=1)
        possible[:, at] = (rate >= 0) & find_rows(population, offer.eligible)
        full_cost[:, at] = _find_full_cost(offer, price)
        saves[:, at] = np.where(possible[:, at], rate, 0)
    return Menu(
        actions=(*NO_OFFER, *(offer.code for offer in document.offers)),
        possible=possible,
        full_cost=full_cost,
        saves=saves,
        take_up=np.array([0.0, 0.0, *(offer.take_up for offer in document.offers)]),
        margin=price * assumed.margin_share * assumed.months_kept,
    )


def find_rows(population: Population, conditions: Mapping[str, Condition]) -> Flags:
    """Find the subscribers who meet all conditions."""
    meets = np.ones(len(population), dtype=bool)
    for name, condition in conditions.items():
        column = population.columns[name]
        if condition.one_of is not None:
            meets &= np.isin(column, np.array(condition.one_of))
        else:
            meets &= column >= (-np.inf if condition.at_least is None else condition.at_least)
            meets &= column <= (np.inf if condition.at_most is None else condition.at_most)
    return meets


def choose_by_assumptions(menu: Menu, probability: Numbers) -> Places:
    """Choose for each subscriber as the policy with nothing measured does: (n,).

        net = probability * save rate * margin - take_up * full cost

    The largest one above 0, else the banner alone.
    """
    net = np.round(probability[:, None] * menu.saves * menu.margin[:, None] - menu.take_up * menu.full_cost, 2)
    net = np.where(menu.possible, net, -np.inf)[:, len(NO_OFFER) :]
    return np.where(net.max(axis=1) > 0, net.argmax(axis=1) + len(NO_OFFER), BANNER)


def _find_full_cost(offer: OfferDocument, price: Numbers) -> Numbers:
    discount: Discount | None = offer.discount
    if discount is None:
        return np.full(len(price), offer.cost_dollars)
    wanted = price * discount.percent / 100 if discount.percent else np.minimum(discount.dollars or 0, price)
    return discount.months * np.minimum(wanted, discount.cap_dollars / discount.months) + offer.cost_dollars
