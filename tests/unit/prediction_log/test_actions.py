"""Which actions were possible, what each was worth, which one was taken, and how likely it was."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from churn.answers import Arm, DecidedBy, Offer, OfferConsidered, OfferValue, Retention
from churn.prediction_log.actions import Possible, add_decision, columns_from_fields
from churn.retention.banner import Decision
from churn.retention.offers.actions import find_best_action, list_actions
from churn.retention.offers.selection import Choice

CENTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)
NETS = st.dictionaries(st.text(min_size=1), st.none() | CENTS, max_size=6)


def decide(nets: Mapping[str, float | None], action: str | None, arm: Arm = "treatment", *, best: str = "") -> Decision:
    """A decision on these offers; without an action, no reason could be shown."""
    value = OfferValue(churn_probability=0.5, save_rate=0.1, margin_dollars=1, cost_dollars=1, net_dollars=0)
    choice = None
    if action is not None:
        net = nets.get(action)
        offer = (
            None
            if net is None
            else Offer(
                code=action,
                title="",
                answers="",
                discount_dollars=0,
                months=1,
                expires="2028-12-31",
                disclosures=[],
                expected=value | {"net_dollars": net},
            )
        )
        others = [
            OfferConsidered(code=code, why="not_eligible", net_dollars=net)
            for code, net in nets.items()
            if code != action
        ]
        choice = Choice(action, best or action, offer, others, [*nets.values()])
    shown: Retention = {
        "headline": None,
        "reasons": [],
        "offer": None,
        "suppressed": [],
        "offers_considered": [],
        "language": "en",
        "policy_version": "1",
        "arm": arm,
    }
    decided_by: DecidedBy = "explore" if choice and choice.action != choice.best else "risk"
    return Decision(shown, choice, decided_by, [])


def read(decision: Decision, possible: Possible) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a line and its columns, by way of JSON."""
    line: dict[str, Any] = {"arm": decision.shown["arm"]}
    add_decision(line, decision)
    fields = from_json(to_json(line))
    return fields, columns_from_fields(fields, possible)


@given(nets=NETS, data=st.data(), arm=st.sampled_from(["treatment", "holdout", "unassigned"]))
def test_every_action_is_read_back_to_the_bit(nets: dict[str, float | None], data: st.DataObject, arm: Arm) -> None:
    codes, values = [*nets], [*nets.values()]
    possible = Possible(
        codes,
        data.draw(st.sampled_from([0.0, 0.02, 1.0])),
        data.draw(st.sets(st.sampled_from(codes))) if codes else (),
        data.draw(st.sampled_from(["reasons", "nothing"])),
    )
    best = find_best_action(codes, values, possible.without_offer)
    actions = list_actions(codes, values)
    action = data.draw(st.sampled_from(actions))
    fields, columns = read(decide(nets, action, arm, best=best), possible)
    assert (columns["actions"], columns["action"]) == (actions, action)
    assert columns["action_values"] == [0.0, 0.0, *(net for net in values if net is not None)]
    assert columns["decided_by"] == ("risk" if action == best else "explore")
    assert (fields.get("withheld_offer" if arm == "holdout" else "offer") or action) == action
    likely = dict(zip(columns["actions"], columns["action_propensities"], strict=True))
    assert sum(likely.values()) == pytest.approx(1, abs=1e-12)
    if arm == "unassigned" or not possible.explore_share:
        assert likely == dict.fromkeys(actions, 0.0) | {best: 1.0}
    else:
        tried = [each for each in actions if each not in possible.untried]
        by_lot = possible.explore_share / len(tried)
        assert {each: share for each, share in likely.items() if each != best} == {
            each: by_lot * (each in tried) for each in actions if each != best
        }


def test_without_reasons_to_show_nothing_is_the_only_action() -> None:
    possible = Possible(["a"], 0.02)
    _, columns = read(decide({"a": None}, None), possible)
    assert [*columns.values()] == [["nothing"], [0.0], [1.0], [], "nothing", "risk"]
    assert [*columns_from_fields({}, possible).values()] == [["nothing"], [0.0], [1.0], [], None, None]


def test_a_line_of_a_version_before_says_which_offer_was_made() -> None:
    columns = columns_from_fields({"other_nets": [None, -2.0], "arm": "holdout"}, Possible(["a", "b"]))
    assert columns["actions"] == ["nothing", "banner alone", "b"]
    assert (columns["action"], columns["action_propensities"]) == ("banner alone", [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    "fields",
    [
        {"other_nets": [1.0]},
        {"other_nets": [None], "offer": "c", "net": 1.0},
        {"other_nets": [None, 2.0], "action": "a"},
        {"action": "b"},
    ],
    ids=["too few", "of another policy", "an action that was not possible", "an offer without a reason"],
)
def test_a_line_that_does_not_fit_its_policy_is_damaged(fields: dict[str, object]) -> None:
    offers: Sequence[str] = ["a", "b"]
    with pytest.raises(ValueError, match=r"zip|in list|not in tuple|is not in|was not possible"):
        columns_from_fields(fields, Possible(offers))
