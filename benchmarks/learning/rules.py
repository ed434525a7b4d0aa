"""The rules that play a year: what each learns from its own ripe log, and how it chooses.

All but the assumptions and the oracle choose by the functions behind `churn offers learn` and `churn train --uplift`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from benchmarks.learning.population import Places
from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.learning.choosing import choose_actions
from churn.learning.measures import Rates
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Numbers
from churn.retention.offers.policy import Policy, build_policy, find_default_policy, parse_policy

SHARE: Final = 0.02  # of the subscribers, on whom a lot falls

ASSUMPTIONS: Final = "the assumptions for ever"
ESTIMATES: Final = "re-estimates each month"
GOOD: Final = "the same by well guessed segments"
BAD: Final = "the same by badly guessed segments"
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
    """

    name: str
    segments: str = ""
    learns: bool = True
    share: float = SHARE


RULES: Final = (
    Rule(ASSUMPTIONS, learns=False, share=0.0),
    Rule(ESTIMATES),
    Rule(BAD, BAD_SEGMENTS),
    Rule(GOOD, GOOD_SEGMENTS),
)


# Lines that came with what was learned in such worlds. "Assumptions" are those of before.
NEWER = re.compile(rb"(?m)^(leavers_use|without_offer) = .*\n|^\[explore\]\nshare = .*\n")


def make_policy(contract: type[Contract], segments: str) -> Policy:
    """Return the demo's policy with these segments, as it was before anything was known of what offers cost."""
    path = find_default_policy(contract)
    content = NEWER.sub(b"", path.read_bytes()) + segments.encode()
    return build_policy(parse_policy(content, path), contract, languages=list_languages(contract))


def choose_with_rates(rule: Rule, stakes: Stakes, probability: Numbers, rates: Rates) -> Places:
    """Choose as the service would with these rates. Who learns shows nothing where no offer is worth it."""
    return choose_actions(stakes, probability, rates, without_offer="nothing" if rule.learns else "reasons")
