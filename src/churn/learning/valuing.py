"""What a whole policy would have been worth on the log, against nothing and against what the log's own policy chose."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from churn.contract.declaration import Contract
from churn.errors import OfferPolicyError
from churn.learning.choosing import choose_actions
from churn.learning.evaluation import Choice, Valuation, evaluate_choice, find_chances, find_logged_choice
from churn.learning.guessing import guess_outcomes
from churn.learning.measures import read_rates
from churn.learning.stakes import Stakes, weigh_exposures
from churn.outcomes.estimates import Estimate
from churn.outcomes.exposures import Exposures, Flags
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.policy import Policy


@dataclass(frozen=True, slots=True)
class ActionCount:
    """How many subscribers the log's policy and the new one choose an action for, and how many the log cannot tell."""

    action: str
    logged: int
    chosen: int
    without_overlap: int


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """What a policy would have been worth for those who came above the threshold.

    Args:
        experiment: whose subscribers count, the newest of the log; None where there is nobody.
        first, last: when the first and the last of them came, in microseconds since 1970; None where there is nobody.
        new, logged: the policy, and what the log's own policy chose, each against nothing.
        difference: the policy against what the log's own policy chose, on the same subscribers.
    """

    policy_version: str
    currency: str
    experiment: str | None
    first: int | None
    last: int | None
    new: Valuation
    logged: Valuation
    difference: Valuation
    actions: tuple[ActionCount, ...]

    @property
    def verdict(self) -> str:
        """Say in a word what follows: `refused`, `better`, `worse` or `not sure`."""
        money = self.difference.money
        if self.new.is_refused:
            return "refused"
        return "better" if money.low > 0 else "worse" if money.high < 0 else "not sure"

    @property
    def reason(self) -> str:
        """Say why, in a sentence."""
        new, verdict = self.new, self.verdict
        if not new.subscribers:
            return "the log has nobody above the threshold of whom enough is known"
        if verdict == "refused":
            return (
                f"for {new.without_overlap:.1%} of the subscribers it chooses what the log could not have tried, "
                "so the log says nothing of them"
            )
        if verdict == "not sure":
            return "whether it is worth more than what the log's own policy chose is not sure"
        return f"it is surely {verdict} than what the log's own policy chose, as far as the assumptions hold"


def value_policy(exposures: Exposures, policy: Policy, contract: type[Contract]) -> PolicyValue:
    """Value what a policy thinks best, without its holdout and its lots, on the newest experiment of the log.

    Only subscribers above the threshold count. The policy chooses by its own rates, measured or assumed.

    Raises:
        OfferPolicyError: its offers name different worths, so nobody knows what a subscriber who leaves has cost.
    """
    rows = exposures.choose(_find_counted(exposures))
    stakes = weigh_exposures(rows, policy, contract)
    if np.isnan(stakes.margin).any():
        raise OfferPolicyError(
            f"the offers of {policy.version} name different worth_dollars, so what it costs when somebody leaves is "
            "not known",
            instead="give all offers the same worth_dollars, or the policy a price_field",
        )
    stakes = replace(stakes, worth=np.full(len(stakes.actions), np.nan))
    rates = read_rates(policy, stakes.actions)
    chosen = choose_actions(stakes, rows.probability, rates, without_offer=policy.document.without_offer)
    logged = find_logged_choice(rows)
    guess = guess_outcomes(rows, stakes) if len(rows) else None
    return PolicyValue(
        policy_version=policy.version,
        currency=policy.currency,
        experiment=rows.experiment[0] if len(rows) else None,
        first=int(rows.time.min()) if len(rows) else None,
        last=int(rows.time.max()) if len(rows) else None,
        new=evaluate_choice(rows, stakes, chosen, guess=guess),
        logged=evaluate_choice(rows, stakes, logged, guess=guess),
        difference=evaluate_choice(rows, stakes, chosen, against=logged, guess=guess),
        actions=_count_actions(rows, stakes, chosen, logged),
    )


def build_figures(value: PolicyValue) -> dict[str, Any]:
    """Return all figures for scripts. What is not known is null: without a row, or where the log cannot tell."""
    figures = asdict(value) | {"verdict": value.verdict, "reason": value.reason}
    for name in ("new", "logged", "difference"):
        valuation: Valuation = getattr(value, name)
        for what in ("money", "kept", "beside"):
            estimate: Estimate = getattr(valuation, what)
            if valuation.is_refused or np.isnan(estimate.value):
                figures[name][what] = None
        if not valuation.subscribers:
            figures[name]["without_overlap"] = None
    return figures


def _find_counted(exposures: Exposures) -> Flags:
    """Find those above the threshold, of the newest experiment, who could have been shown something.

    Earlier versions did not log which reasons the holdout would have been shown. What is as old as their last record
    does not count: nobody can say what the holdout would have been offered.
    """
    could_see = exposures.propensities[:, exposures.actions.index(NOTHING)] < 1
    counted = exposures.is_above & could_see
    if not counted.any():
        return counted
    newest = exposures.experiment[np.where(counted, exposures.time, -1).argmax()]
    counted &= exposures.experiment == newest
    without_reasons = np.array([not groups for groups in exposures.reasons], dtype=bool)
    # All that a policy shows rests on a reason.
    shows = find_logged_choice(exposures) != exposures.actions.index(NOTHING)
    if (unclear := counted & exposures.held_out & without_reasons & shows).any():
        counted &= exposures.time > exposures.time[unclear].max()
    return np.asarray(counted)


def _count_actions(exposures: Exposures, stakes: Stakes, chosen: Choice, logged: Choice) -> tuple[ActionCount, ...]:
    lacks = find_chances(exposures, chosen) == 0
    counts = [
        ActionCount(
            action,
            logged=int((logged == at).sum()),
            chosen=int((chosen == at).sum()),
            without_overlap=int((lacks & (chosen == at)).sum()),
        )
        for at, action in enumerate(stakes.actions)
    ]
    return tuple(count for count in counts if count.logged or count.chosen)
