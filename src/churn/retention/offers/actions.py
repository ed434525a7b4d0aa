"""The actions of one subscriber: nothing, a banner alone, or an offer; which is best, and how likely each is taken."""

from collections.abc import Collection, Sequence

from churn.retention.offers.document import WithoutOffer

NOTHING, BANNER_ALONE = "nothing", "banner alone"


def list_actions(codes: Sequence[str], nets: Sequence[float | None]) -> list[str]:
    """List the actions that are possible for a subscriber who may read a reason.

    Args:
        codes: of all offers, in the policy's order.
        nets: what each is expected to bring; None if it is not possible.
    """
    return [NOTHING, BANNER_ALONE, *(code for code, net in zip(codes, nets, strict=True) if net is not None)]


def find_best_action(
    codes: Sequence[str], nets: Sequence[float | None], without_offer: WithoutOffer, alone: float | None = None
) -> str:
    """Return the offer that is expected to bring most, the first of equal ones; without one that brings anything, none.

    `without_offer` says what is best then. Where somebody learnt what the banner alone brings, `alone`, that says it.
    """
    is_alone = alone > 0 if alone else without_offer == "reasons"
    best, most = (BANNER_ALONE, max(alone or 0.0, 0.0)) if is_alone else (NOTHING, 0.0)
    for code, net in zip(codes, nets, strict=True):
        if net is not None and net > most:
            best, most = code, net
    return best


def list_tried(actions: Sequence[str], untried: Collection[str]) -> list[str]:
    """List the actions on which a lot may fall: all but the offers that are no longer tried."""
    return [action for action in actions if action not in untried] if untried else [*actions]


def find_propensities(actions: Sequence[str], best: str, share: float, untried: Collection[str]) -> list[float]:
    """Return how likely each action is taken, for a subscriber who is not held out; they sum to 1.

    The share of those who get an action by lot is spread evenly over all on which it may fall. The rest goes to the
    best one.
    """
    by_lot = share / len(list_tried(actions, untried)) if share else 0.0
    return [(0.0 if action in untried else by_lot) + (1.0 - share if action == best else 0.0) for action in actions]
