"""The actions that were possible for a subscriber: what a line of a journal has of them, and the columns made of it.

A line has net values in the policy's order. What all lines share stands once, in the journal's header.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Self

from churn.retention.banner import Decision
from churn.retention.offers.actions import BANNER_ALONE, NOTHING, find_best_action, find_propensities, list_actions
from churn.retention.offers.document import WithoutOffer
from churn.retention.offers.policy import Policy


class Possible(NamedTuple):
    """What a policy may do, as a journal's header has it.

    Args:
        offers: their codes, in the policy's order.
        explore_share: of the subscribers with a key, who get an action by lot.
        untried: the offers on which no lot falls.
        without_offer: what is done where no offer is worth it.
    """

    offers: Sequence[str]
    explore_share: float = 0.0
    untried: Collection[str] = ()
    without_offer: WithoutOffer = "reasons"

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Self:
        """Read it from a header that names the policy's offers. Versions before explored nothing."""
        return cls(
            header["offers"],
            header.get("explore_share") or 0.0,
            header.get("untried") or (),
            header.get("without_offer") or "reasons",
        )

    @classmethod
    def from_policy(cls, policy: Policy) -> Self:
        """Take it from a policy."""
        untried = [code for code in policy.codes if code in policy.untried]
        return cls(policy.codes, policy.explore.share, untried, policy.without_offer)


def add_decision(line: dict[str, Any], decision: Decision) -> None:
    """Add to a line that is being made what was decided, and what each offer would have been worth."""
    choice = decision.choice
    if choice is None:
        line["action"] = NOTHING
    else:
        line["other_nets"] = [other["net_dollars"] for other in choice.considered]
        if choice.alone is not None:
            line["alone"], line["adjustments"] = choice.alone, choice.adjustments
        if choice.offer:
            if because := choice.offer.get("because"):
                line["offer_reasons"] = [reason["code"] for reason in because]
            line["net"] = choice.offer["expected"]["net_dollars"]
            line["withheld_offer" if decision.shown["arm"] == "holdout" else "offer"] = choice.action
        else:
            line["action"] = choice.action
    if decision.decided_by != "risk":
        line["decided_by"] = decision.decided_by
    if decision.withheld_reasons:
        line["withheld_reasons"] = decision.withheld_reasons


def columns_from_fields(fields: Mapping[str, Any], possible: Possible) -> dict[str, Any]:
    """Return the columns on the actions that were possible; without reasons to show, that is nothing alone.

    Args:
        fields: of a line.
        possible: what the journal's header says.

    Raises:
        ValueError: the line is damaged.
    """
    nets, action = fields.get("other_nets"), fields.get("action")
    if nets is None:
        actions, values, propensities, adjustments = [NOTHING], [0.0], [1.0], []
    else:
        code = fields.get("withheld_offer") or fields.get("offer")
        if code is not None:
            at = possible.offers.index(code)
            nets = [*nets[:at], fields.get("net"), *nets[at:]]
        actions = list_actions(possible.offers, nets)
        alone = fields.get("alone")  # a policy assumes nothing of it, an uplift may know it
        values = [0.0, alone or 0.0, *(net for net in nets if net is not None)]
        adjustments = [0.0, *fields["adjustments"]] if alone is not None else []
        action = code or action or BANNER_ALONE
        best = find_best_action(possible.offers, nets, possible.without_offer, alone)
        is_keyed = fields.get("arm") in {"treatment", "holdout"}
        propensities = find_propensities(actions, best, possible.explore_share * is_keyed, possible.untried)
    if action is not None and action not in actions:
        raise ValueError(f"{action!r} was not possible")
    if adjustments and len(adjustments) != len(actions):
        raise ValueError("not every action has an adjustment")
    return {
        "actions": actions,
        "action_values": values,
        "action_propensities": propensities,
        "action_adjustments": adjustments,
        "action": action,
        "decided_by": action and fields.get("decided_by", "risk"),
    }
