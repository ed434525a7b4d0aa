"""The rules that play a year: what each learns from its own ripe log, and how it chooses.

All but the assumptions and the oracle choose by the functions behind `churn offers learn` and `churn train --uplift`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from benchmarks.learning.population import PROTECTED, Places, Population
from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.learning.choosing import choose_actions
from churn.learning.measures import Rates
from churn.learning.rates import estimate_rates
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Exposures
from churn.retention.offers.policy import Policy, build_policy, find_default_policy, parse_policy
from churn.training.uplift.boosting import Adjustment
from churn.training.uplift.choosing import choose_by_uplift
from churn.training.uplift.gates import LEAST_SUBSCRIBERS
from churn.training.uplift.training import train_uplift

SHARE: Final = 0.02  # of the subscribers, on whom a lot falls

ASSUMPTIONS: Final = "the assumptions for ever"
ESTIMATES: Final = "re-estimates each month"
GOOD: Final = "the same by well guessed segments"
BAD: Final = "the same by badly guessed segments"
UPLIFT: Final = "re-estimates, and uplift once its gate opens"
ORACLE: Final = "the oracle"

GOOD_SEGMENTS: Final = """
[[segment]]
name = "dear-and-asks-for-help"
when.monthly_charges.at_least = 105
when.num_support_tickets.at_least = 2
[[segment]]
name = "dear"
when.monthly_charges.at_least = 105
[[segment]]
name = "usual-and-asks-for-help"
when.monthly_charges.at_least = 70
when.num_support_tickets.at_least = 2
[[segment]]
name = "usual"
when.monthly_charges.at_least = 70
[[segment]]
name = "cheap-and-asks-for-help"
when.num_support_tickets.at_least = 2
"""
BAD_SEGMENTS: Final = """
[[segment]]
name = "new-on-fiber"
when.tenure.at_most = 11
when.internet_service.is = ["fiber_optic"]
[[segment]]
name = "new-on-dsl"
when.tenure.at_most = 11
when.internet_service.is = ["dsl"]
[[segment]]
name = "new-without-internet"
when.tenure.at_most = 11
[[segment]]
name = "on-fiber"
when.internet_service.is = ["fiber_optic"]
[[segment]]
name = "on-dsl"
when.internet_service.is = ["dsl"]
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one firm goes about it.

    Args:
        segments: what its policy adds to the demo's; a person has declared it.
        learns: whether it estimates anew each month.
        share: on whom a lot falls.
        uplift: whether it also trains an uplift each quarter, and chooses by it once its gate opens.
    """

    name: str
    segments: str = ""
    learns: bool = True
    share: float = SHARE
    uplift: bool = False


RULES: Final = (
    Rule(ASSUMPTIONS, learns=False, share=0.0),
    Rule(ESTIMATES),
    Rule(BAD, BAD_SEGMENTS),
    Rule(GOOD, GOOD_SEGMENTS),
    Rule(UPLIFT, uplift=True),
)


# Lines that came with what was learned in such worlds. "Assumptions" are those of before.
NEWER: Final = re.compile(rb"(?m)^(leavers_use|without_offer) = .*\n|^\[explore\]\nshare = .*\n")


def make_policy(contract: type[Contract], segments: str) -> Policy:
    """Return the demo's policy with these segments, as it was before anything was known of what offers cost."""
    path = find_default_policy(contract)
    content = NEWER.sub(b"", path.read_bytes()) + segments.encode()
    return build_policy(parse_policy(content, path), contract, languages=list_languages(contract))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a rule knows by now: its rates, and an uplift if one may decide."""

    rates: Rates
    adjustment: Adjustment | None = None


def learn(
    rule: Rule, knowledge: Knowledge, exposures: Exposures, stakes: Stakes, *, trains: bool, seed: int
) -> Knowledge:
    """Learn from what is ripe of the own log. An uplift that decides already is kept until the next is trained."""
    rates = estimate_rates(exposures, stakes)
    # With fewer subscribers the gate stays closed, whatever is trained.
    if not rule.uplift or not trains or len(exposures) < LEAST_SUBSCRIBERS:
        return Knowledge(rates, knowledge.adjustment)
    trained = train_uplift(exposures, stakes, rates, hidden=PROTECTED, seed=seed)
    return Knowledge(rates, trained.adjustment if trained.is_open else None)


def choose(rule: Rule, knowledge: Knowledge, stakes: Stakes, population: Population) -> Places:
    """Choose as the service would. Who learns shows nothing where no offer is worth it."""
    rates, probability = knowledge.rates, population.probability
    if knowledge.adjustment is not None:
        added = knowledge.adjustment.adjust(population.features, stakes.actions)
        return choose_by_uplift(stakes, probability, rates, added)
    return choose_actions(stakes, probability, rates, without_offer="nothing" if rule.learns else "reasons")
