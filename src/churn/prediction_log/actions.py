"""The actions that were possible for a subscriber: what a line of a journal has of them, and the columns made of it.

A line has net values in the policy's order. The codes of the offers stand once, in the journal's header.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from churn.answers import Retention

NOTHING, BANNER_ALONE = "nothing", "banner alone"
# The policy assumes nothing of a banner without an offer.
WITHOUT_OFFER = (0.0, 0.0)


def add_banner(line: dict[str, Any], banner: Retention, withheld: Retention | None) -> None:
    """Add to a line the offers that were weighed.

    Args:
        line: that is being made.
        banner: as it was answered.
        withheld: for the holdout, the banner that would have been shown.
    """
    weighed = withheld or banner
    offer = weighed["offer"]
    if weighed["reasons"]:
        line["other_nets"] = [other["net_dollars"] for other in weighed["offers_considered"]]
        if offer:
            line["net"] = offer["expected"]["net_dollars"]
    if offer:
        line["withheld_offer" if withheld else "offer"] = offer["code"]


def columns_from_fields(fields: Mapping[str, Any], offers: Sequence[str]) -> dict[str, Any]:
    """Return the columns on the actions that were possible; without reasons to show, that is nothing alone.

    Args:
        fields: of a line.
        offers: the codes of all offers, in the policy's order.

    Raises:
        ValueError: the line is damaged.
    """
    nets = fields.get("other_nets")
    if nets is None:
        actions, values, chosen = [NOTHING], [0.0], NOTHING
    else:
        code = fields.get("withheld_offer") or fields.get("offer")
        if code is not None:
            at = offers.index(code)
            nets = [*nets[:at], fields.get("net"), *nets[at:]]
        eligible = {code: net for code, net in zip(offers, nets, strict=True) if net is not None}
        actions = [NOTHING, BANNER_ALONE, *eligible]
        values = [*WITHOUT_OFFER, *eligible.values()]
        chosen = code or BANNER_ALONE
    propensities = fields.get("propensities") or [float(action == chosen) for action in actions]
    if len(propensities) != len(actions):
        raise ValueError("not every action has a propensity")
    return {"actions": actions, "action_values": values, "action_propensities": propensities}
