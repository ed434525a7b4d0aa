"""Which actions were possible, what each was worth, and how likely it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json
from support.policies import reason

from churn.answers import Offer, OfferConsidered, OfferValue, Retention
from churn.prediction_log.actions import add_banner, columns_from_fields

CENTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)


def banner_of(nets: dict[str, float | None], chosen: str | None, *, has_reasons: bool = True) -> Retention:
    value = OfferValue(churn_probability=0.5, save_rate=0.1, margin_dollars=1, cost_dollars=1, net_dollars=0)
    offer = None
    if chosen:
        offer = Offer(
            code=chosen,
            title="",
            answers="",
            discount_dollars=0,
            months=1,
            expires="2028-12-31",
            disclosures=[],
            expected=value | {"net_dollars": nets[chosen] or 0.0},
        )
    others = [
        OfferConsidered(code=code, why="not_eligible", net_dollars=net) for code, net in nets.items() if code != chosen
    ]
    return {
        "headline": None,
        "reasons": [reason("tenure")] if has_reasons else [],
        "offer": offer,
        "suppressed": [],
        "offers_considered": others if has_reasons else [],
        "language": "en",
        "policy_version": "1",
        "arm": "treatment",
    }


@given(nets=st.dictionaries(st.text(min_size=1), st.none() | CENTS, max_size=6), data=st.data(), is_held=st.booleans())
def test_every_eligible_offer_is_read_back_to_the_bit(
    nets: dict[str, float | None], data: st.DataObject, is_held: bool
) -> None:
    eligible = {code: net for code, net in nets.items() if net is not None}
    chosen = data.draw(st.none() | st.sampled_from([*eligible])) if eligible else None
    weighed = banner_of(nets, chosen)
    line: dict[str, object] = {}
    add_banner(line, banner_of({}, None, has_reasons=False) if is_held else weighed, weighed if is_held else None)
    columns = columns_from_fields(from_json(to_json(line)), [*nets])
    assert columns["actions"] == ["nothing", "banner alone", *eligible]
    assert columns["action_values"] == [0.0, 0.0, *eligible.values()]
    likely = dict(zip(columns["actions"], columns["action_propensities"], strict=True))
    assert likely == dict.fromkeys(columns["actions"], 0.0) | {chosen or "banner alone": 1.0}
    assert (line.get("offer"), line.get("withheld_offer")) == ((None, chosen) if is_held else (chosen, None))


def test_without_reasons_to_show_nothing_is_the_only_action() -> None:
    line: dict[str, object] = {}
    add_banner(line, banner_of({"a": None}, None, has_reasons=False), None)
    for fields in (line, {}):
        columns = columns_from_fields(fields, ["a"])
        assert [*columns.values()] == [["nothing"], [0.0], [1.0]]


@pytest.mark.parametrize(
    "fields",
    [
        {"other_nets": [1.0]},
        {"other_nets": [None], "offer": "c", "net": 1.0},
        {"other_nets": [None, 2.0], "propensities": [1.0]},
    ],
    ids=["too few", "of another policy", "without a propensity"],
)
def test_a_line_that_does_not_fit_its_policy_is_damaged(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"zip|in list|not in tuple|is not in|propensity"):
        columns_from_fields(fields, ["a", "b"])


def test_propensities_of_a_line_count_before_certainty() -> None:
    columns = columns_from_fields({"other_nets": [2.0], "offer": None, "propensities": [0.1, 0.7, 0.2]}, ["a"])
    assert columns["action_propensities"] == [0.1, 0.7, 0.2]
