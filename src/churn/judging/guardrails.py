"""What the business gets from two versions: checks with a risk of their own, beside that of all others."""

from dataclasses import dataclass
from typing import Final

from churn.judging.banner_outcomes import StepOutcomes, find_banner_outcomes
from churn.judging.checks import NET_VALUE, Check
from churn.judging.findings import Finding, Levels
from churn.judging.net_value import NetValues, find_net_value

FALSE_ROLLBACK_BY_GUARDRAILS: Final = 0.01
"""The largest chance that a good version is ever sent back by any guardrail, beside the chance of the other checks."""


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What is known in the whole rollout.

    Args:
        net_value: what offers are expected to bring; None if that is not known.
        no_net_value: why it is not known or not whole, and what to do; empty if nobody says.
        banners: what became of banners, in each step in which both versions answered; None if no event was reported.
        no_banners: why that is not known, and what to do; empty if nobody says.
    """

    net_value: NetValues | None = None
    no_net_value: str = ""
    banners: tuple[StepOutcomes, ...] | None = None
    no_banners: str = ""


def find_guardrail(check: Check, level: Levels, guardrails: Guardrails) -> Finding:
    """Find what a guardrail's check says."""
    if check.measure != NET_VALUE:
        return find_banner_outcomes(check, level, guardrails.banners, guardrails.no_banners)
    return find_net_value(check, level, guardrails.net_value, guardrails.no_net_value)
