"""The offer that is chosen: of all pairs of reason and offer the best by the formula, if it is worth its cost."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, policy_of, policy_without_price, reason
from support.policies import POLICY as FILE
from support.strategies import subscribers

from churn.answers import CustomerReason, Offer, OfferConsidered
from churn.contract.declaration import Contract
from churn.retention.offers.policy import Policy, load_policy
from churn.retention.offers.selection import choose_offer

TODAY = date(2026, 11, 23)
POLICY = load_policy(FILE, STREAMFLOW, languages=LANGUAGES)
GROUPS = sorted({spec.group for spec in STREAMFLOW.features if not spec.marker.protected})
EXAMPLE = STREAMFLOW.model_validate(STREAMFLOW.example())

reasons_shown = st.lists(st.sampled_from(GROUPS), max_size=3, unique=True).map(lambda groups: [*map(reason, groups)])
probabilities = st.floats(0, 1).map(lambda probability: round(probability, 4))


def chosen(
    policy: Policy = POLICY,
    subscriber: Contract = EXAMPLE,
    probability: float = 0.8,
    reasons: Sequence[CustomerReason] = (),
    *,
    today: date = TODAY,
    last_offer: date | None = None,
    language: str = "en",
) -> tuple[Offer | None, list[OfferConsidered]]:
    return choose_offer(policy, subscriber, probability, reasons, today=today, last_offer=last_offer, language=language)


def made(**changes: Any) -> Offer:
    offer, _ = chosen(**changes)
    assert offer is not None
    return offer


def example(**changes: Any) -> Contract:
    return STREAMFLOW.model_validate(STREAMFLOW.example() | changes)


def why(considered: list[OfferConsidered]) -> dict[str, str]:
    return {one["code"]: one["why"] for one in considered}


def test_the_formula_holds_to_the_cent() -> None:
    """Worked by hand: 20 % of $89.50 for 12 months is $214.80, which is under the cap."""
    assert made(reasons=[reason("commitment", "contract_type.month-to-month")]) == {
        "code": "yearly-20",
        "title": "20% off for 12 months with a one-year plan",
        "answers": "contract_type.month-to-month",
        "discount_dollars": 17.9,
        "currency": "USD",
        "months": 12,
        "expires": "2028-12-31",
        "disclosures": [
            "The plan runs for one year from the day you accept and then goes on month to month at the regular price.",
            "The discount is at most $240 in all. You can accept until December 31, 2028.",
        ],
        "expected": {
            "churn_probability": 0.8,
            "save_rate": 0.22,
            "margin_dollars": 483.3,  # 89.50 * 0.45 * 12
            "cost_dollars": 64.44,  # 0.30 * 214.80
            "net_dollars": 20.62,  # 0.8 * 0.22 * 483.30 - 64.44
        },
    }


def test_the_cap_is_spread_over_the_bills() -> None:
    offer = made(subscriber=example(monthly_charges=200.0), reasons=[reason("commitment")])
    assert (offer["discount_dollars"], offer["months"]) == (20.0, 12)
    assert offer["expected"]["cost_dollars"] == 72.0  # 0.30 * 240, not 0.30 * 480


def test_a_discount_in_dollars_is_never_more_than_the_price(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path, ("dollars = 5, months = 6, cap_dollars = 30", "dollars = 50, months = 6, cap_dollars = 300")
    )
    offer, considered = chosen(policy, example(tenure=1, monthly_charges=10.0), reasons=[reason("history")])
    assert offer is None
    assert {one["code"]: one["net_dollars"] for one in considered}["welcome-5"] == pytest.approx(
        0.8 * 0.12 * 10 * 0.45 * 12 - 0.7 * 6 * 10, abs=0.005
    )


def test_an_offer_without_a_discount_costs_what_it_costs() -> None:
    offer = made(reasons=[reason("support")])
    assert (offer["code"], offer["discount_dollars"], offer["months"]) == ("priority-support", 0.0, 0)
    assert offer["expected"]["cost_dollars"] == 9.0


def test_without_a_price_the_offers_own_worth_is_the_margin(tmp_path: Path) -> None:
    """Worked by hand: 0.8 * 0.18 * 200 - 0.5 * 18 = 19.80 for support, 0.8 * 0.12 * 300 - 0.7 * 30 = 7.80 for 5 off."""
    policy = load_policy(policy_without_price(tmp_path, "EUR"), STREAMFLOW, languages=LANGUAGES)
    offer, [other] = chosen(policy, example(tenure=1), reasons=[reason("history"), reason("support")])
    assert offer is not None
    assert (offer["code"], offer["currency"]) == ("priority-support", "EUR")
    assert (offer["expected"]["margin_dollars"], offer["expected"]["net_dollars"]) == (200.0, 19.8)
    assert other == {"code": "welcome-5", "why": "worth_less_than_the_chosen", "net_dollars": 7.8}
    offer, _ = chosen(policy, example(tenure=1), reasons=[reason("history")])
    assert offer is not None
    assert offer["discount_dollars"] == 5.0


def test_every_other_offer_says_why_not() -> None:
    offer, considered = chosen(
        subscriber=example(monthly_charges=55.0), probability=0.61, reasons=[reason("price"), reason("support")]
    )
    assert offer is not None
    assert offer["code"] == "priority-support"
    assert why(considered) == {
        "yearly-20": "not_worth_its_cost",
        "loyalty-15": "worth_less_than_the_chosen",
        "welcome-5": "not_eligible",
        "streaming-3-months": "answers_no_reason",
        "autopay-3": "answers_no_reason",
    }
    priced = {one["code"]: one["net_dollars"] for one in considered}
    assert priced["yearly-20"] is not None
    assert priced["yearly-20"] <= 0
    assert priced["welcome-5"] is None


def test_without_a_reason_there_is_no_offer() -> None:
    assert chosen(reasons=[])[0] is None
    assert chosen(reasons=[reason("billing")])[0] is None


def test_an_offer_can_be_accepted_until_its_last_day() -> None:
    last = date(2028, 12, 31)
    assert chosen(reasons=[reason("support")], today=last)[0] is not None
    offer, considered = chosen(reasons=[reason("support")], today=last + timedelta(days=1))
    assert offer is None
    assert set(why(considered).values()) == {"expired"}


@pytest.mark.parametrize(("days_ago", "made"), [(-1, False), (0, False), (179, False), (180, True)])
def test_within_the_cooldown_there_is_no_offer(days_ago: int, made: bool) -> None:
    offer, considered = chosen(reasons=[reason("support")], last_offer=TODAY - timedelta(days=days_ago))
    assert (offer is not None) is made
    assert ("cooldown" in why(considered).values()) is not made


def test_the_offer_speaks_the_language_asked_for() -> None:
    offer = made(reasons=[reason("support")], language="de")
    assert offer["title"] == "Sechs Monate bevorzugter Support, kostenlos"
    assert offer["disclosures"] == [
        "Er endet nach sechs Monaten von selbst. Sie können bis zum 31. Dezember 2028 zusagen."
    ]


def test_of_equal_offers_the_first_in_the_policy_and_of_equal_reasons_the_first_shown(tmp_path: Path) -> None:
    same = ("saves = { commitment = 0.22, price = 0.18 }", "saves = { price = 0.22, commitment = 0.22 }")
    twin = policy_of(tmp_path, same)
    for groups in (["commitment", "price"], ["price", "commitment"]):
        offer = made(policy=twin, subscriber=example(tenure=6), reasons=[*map(reason, groups)])
        assert offer["answers"] == f"{groups[0]}.any"
    text = FILE.read_text(encoding="utf-8")
    head, first, *_ = text.split("[[offer]]")
    path = tmp_path / "twins.toml"
    path.write_text(f"{head}[[offer]]{first}[[offer]]{first.replace('yearly-20', 'also-20')}", encoding="utf-8")
    _, considered = chosen(load_policy(path, STREAMFLOW, languages=LANGUAGES), reasons=[reason("commitment")])
    assert why(considered) == {"also-20": "worth_less_than_the_chosen"}


@given(subscribers(STREAMFLOW).map(STREAMFLOW.model_validate), probabilities, reasons_shown)
def test_no_pair_of_offer_and_reason_is_worth_more_than_the_chosen(
    subscriber: Contract, probability: float, reasons: list[CustomerReason]
) -> None:
    offer, considered = chosen(POLICY, subscriber, probability, reasons)
    worth = {
        (one.code, shown["code"]): net(one.code, shown["group"], subscriber, probability)
        for one in POLICY.document.offers
        for shown in reasons
        if shown["group"] in one.saves and eligible(one.code, subscriber)
    }
    best = max(worth.values(), default=0.0)
    if offer is None:
        assert best <= 0
        assert [one["code"] for one in considered] == [one.code for one in POLICY.document.offers]
    else:
        assert offer["expected"]["net_dollars"] == best == worth[offer["code"], offer["answers"]] > 0
        assert sorted([offer["code"], *(one["code"] for one in considered)]) == sorted(
            one.code for one in POLICY.document.offers
        )
        assert offer["months"] * offer["discount_dollars"] <= cap(offer["code"]) + 0.005 * offer["months"]
        assert all((one["net_dollars"] or 0.0) <= best for one in considered)


def document(code: str) -> Any:
    return next(one for one in POLICY.document.offers if one.code == code)


def cap(code: str) -> float:
    discount = document(code).discount
    return 0.0 if discount is None else float(discount.cap_dollars)


def net(code: str, group: str, subscriber: Any, probability: float) -> Any:
    """The formula as docs/offers.md tells it, from the file's own numbers."""
    offer, assumed = document(code), POLICY.document.assumptions
    price = subscriber.monthly_charges
    total = 0.0
    if offer.discount is not None:
        monthly = price * (offer.discount.percent or 0) / 100 + min(offer.discount.dollars or 0, price)
        total = min(monthly * offer.discount.months, offer.discount.cap_dollars)
    cost = offer.take_up * (total + offer.cost_dollars)
    assert assumed is not None
    margin = price * assumed.margin_share * assumed.months_kept
    return round(probability * offer.saves[group] * margin - cost, 2)


def eligible(code: str, subscriber: Any) -> bool:
    return all(
        (condition.one_of is None or getattr(subscriber, field) in condition.one_of)
        and (condition.at_least is None or getattr(subscriber, field) >= condition.at_least)
        and (condition.at_most is None or getattr(subscriber, field) <= condition.at_most)
        for field, condition in document(code).eligible.items()
    )
