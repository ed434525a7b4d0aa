"""With an uplift the policy decides by what it adjusts, says so, and its records are made again to the bit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import STREAMFLOW
from support.predicted import make_entry, make_header, read_lines
from support.uplifts import OFFERS, POLICY, PROTECTED, ROWS, draw_rows, fit_whole, write_uplift_bundle

from churn.contract.declaration import Contract
from churn.explain import Explainer
from churn.model.bundle import Bundle
from churn.model.uplift import Uplift
from churn.prediction_log.record import LineMaker
from churn.prediction_log.replay import replay
from churn.retention.banner import Decision, Visitor, decide_banner, find_adjust
from churn.retention.campaign.population import BannerSubscriber
from churn.retention.campaign.simulation import decide_offer, find_seen
from churn.retention.offers.actions import BANNER_ALONE, NOTHING
from churn.retention.offers.policy import Policy
from churn.retention.proving import draw_batches, prove
from churn.retention.reasons import choose_customer_reasons
from churn.rollout.net_values import Expected, value_both

TODAY = date(2026, 11, 30)
WHOLE = fit_whole(draw_rows(ROWS))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_uplift_bundle(tmp_path_factory.mktemp("decides") / "v0.1.0")


def add_always(points: float) -> Explainer:
    def explain(rows: np.ndarray) -> np.ndarray:
        explained = np.zeros((len(rows), rows.shape[1] + 1))
        explained[:, -1] = points
        return explained

    return explain


def with_points(bundle: Bundle, points: Mapping[str, float], effects_sha256: str = POLICY.effects_sha256) -> Bundle:
    uplift = Uplift({code: add_always(number) for code, number in points.items()}, effects_sha256)
    return replace(bundle, model=replace(bundle.model, uplift=uplift))


def person_of(seed: int) -> Contract:
    row = draw_rows(1, seed)[0].tolist()
    values = {spec.name: spec.decode(value) for spec, value in zip(STREAMFLOW.features, row, strict=True)}
    return STREAMFLOW.model_validate(values)


def decide(bundle: Bundle, person: Contract, policy: Policy = POLICY, **visitor: Any) -> Decision:
    [prediction] = bundle.model.predict([person])
    return decide_banner(bundle.model, policy, person, prediction, Visitor(**visitor), today=TODAY)


EXAMPLE = STREAMFLOW.model_validate(STREAMFLOW.example() | {"monthly_charges": 110.0})
CODES = [terms.code for terms in POLICY.terms]


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_each_offer_is_weighed_with_what_xgboost_adds_and_the_largest_is_made(bundle: Bundle, seed: int) -> None:
    person = person_of(seed)
    decision = decide(bundle, person)
    assert decision.decided_by == "uplift"
    if decision.choice is None:
        return
    choice = decision.choice
    assert choice.alone is not None
    assert choice.best == choice.action
    net_of_best = dict(zip(CODES, choice.nets, strict=True)).get(choice.best)
    assert max([choice.alone, 0.0, *(net for net in choice.nets if net is not None)]) in {
        net_of_best,
        choice.alone,
        0.0,
    }
    if (offer := choice.offer) and offer["code"] in OFFERS:
        expected = offer["expected"]
        hidden = np.where(PROTECTED, np.float32(np.nan), np.array(person.encode(), dtype=np.float32))
        one_hot = np.eye(len(OFFERS), dtype=np.float32)[OFFERS.index(offer["code"])]
        added = WHOLE.predict(xgboost.DMatrix(np.hstack([hidden, one_hot])[None, :]))[0]
        assert expected["adjustment"] == pytest.approx(added, abs=1e-4)
        effect = expected["churn_probability"] * expected["save_rate"] + expected["adjustment"]
        effect = min(effect, expected["churn_probability"])  # no more leaving is prevented than there is
        assert expected["net_dollars"] == pytest.approx(
            effect * expected["margin_dollars"] - expected["cost_dollars"], abs=0.02
        )


@pytest.mark.parametrize(
    ("alone", "without_offer", "action"),
    [(-0.02, "reasons", NOTHING), (0.02, "nothing", BANNER_ALONE), (0.0, "reasons", BANNER_ALONE)],
)
def test_where_no_offer_is_worth_it_the_uplift_says_whether_the_banner_alone_is(
    bundle: Bundle, alone: float, without_offer: Any, action: str
) -> None:
    policy = replace(POLICY, without_offer=without_offer)
    decision = decide(with_points(bundle, {BANNER_ALONE: alone} | dict.fromkeys(CODES, -0.5)), EXAMPLE, policy)
    assert (decision.choice and decision.choice.action, decision.decided_by) == (action, "uplift")
    assert bool(decision.shown["headline"]) == bool(decision.shown["reasons"]) == (action == BANNER_ALONE)


def test_no_more_leaving_is_prevented_than_there_is(bundle: Bundle) -> None:
    offer = decide(with_points(bundle, {"yearly-20": 5.0}), EXAMPLE).shown["offer"]
    assert offer
    expected = offer["expected"]
    most = expected["churn_probability"] * expected["margin_dollars"]
    assert expected["net_dollars"] == pytest.approx(most - expected["cost_dollars"], abs=0.01)


def test_an_uplift_over_other_effects_decides_nothing(bundle: Bundle) -> None:
    other = with_points(bundle, dict.fromkeys(CODES, 0.3), effects_sha256="0" * 64)
    without = replace(bundle, model=replace(bundle.model, uplift=None))
    decision = decide(other, EXAMPLE)
    assert decision == decide(without, EXAMPLE)
    assert decision.decided_by == "risk"
    assert decision.shown["offer"]
    assert not {"because", "adjustment"} & {*decision.shown["offer"], *decision.shown["offer"]["expected"]}


def test_an_offer_that_a_lot_chose_says_no_reason(bundle: Bundle) -> None:
    everybody = replace(POLICY, explore=POLICY.explore.model_copy(update={"share": 1.0}))
    shown = [decide(bundle, EXAMPLE, everybody, key=f"k{number}").shown for number in range(60)]
    by_lot = [banner["offer"] for banner in shown if banner.get("decided_by") == "explore" and banner["offer"]]
    assert by_lot
    assert not any("because" in offer for offer in by_lot)


@settings(max_examples=40)
@given(seed=st.integers(0, 500), key=st.none() | st.text("abc", min_size=1, max_size=3))
def test_any_record_is_made_again_bit_for_bit_and_another_uplift_is_noticed(
    bundle: Bundle, seed: int, key: str | None
) -> None:
    maker = LineMaker(make_header(bundle, threshold=0.3, policy=POLICY))
    values: dict[str, Any] = person_of(seed).model_dump()
    line = maker.make_line(make_entry(bundle, threshold=0.3, key=key, policy=POLICY, **values))
    [record] = read_lines(maker.header, line)
    assert replay(record, bundle, policy=POLICY) == []
    if record["action_adjustments"]:
        assert record["decided_by"] in {"uplift", "explore"}
        assert len(record["action_adjustments"]) == len(record["actions"])
        assert record["action_adjustments"][0] == 0.0
        other = replay(record, with_points(bundle, {BANNER_ALONE: 0.4567}), policy=POLICY)
        assert "action_adjustments" in {mismatch.field for mismatch in other}


def test_a_damaged_line_is_refused(bundle: Bundle) -> None:
    maker = LineMaker(make_header(bundle, threshold=0.3, policy=POLICY))
    line = maker.make_line(make_entry(bundle, threshold=0.3, key=None, policy=POLICY))
    assert read_lines(maker.header, line)
    assert read_lines(maker.header, line.replace(b'"adjustments":[', b'"adjustments":[0.5,')) == []


def test_banners_and_the_reasons_of_offers_are_proven_by_xgboost(bundle: Bundle) -> None:
    proof = prove(bundle, POLICY, draw_batches(STREAMFLOW, 1000), threshold=0.3, today=TODAY)
    assert proof.first == {}
    assert proof.offer_reasons.total() > 50


def test_reasons_of_offers_that_are_not_true_are_found_out(bundle: Bundle) -> None:
    def build(*asked: Any, today: date) -> Any:
        banner = decide_banner(*asked, today=today).shown
        if banner["offer"]:
            value = asked[2].streaming_services
            band = asked[2].features[7].find_band(value).name
            banner["offer"]["because"] = [{"code": f"streaming_services.{band}", "text": "This is for you."}]
        return banner

    proof = prove(bundle, POLICY, draw_batches(STREAMFLOW, 300), threshold=0.3, today=TODAY, build=build)
    assert {
        "without a reason of an offer the uplift adds half a point less",
        "what is said of an offer is the text of the value, once of each concept",
    } <= set(proof.first)


def test_both_versions_are_valued_by_one_uplift_the_canarys_first() -> None:
    by_risk = Expected({"a": 1.0}, {NOTHING: 0.0, "a": 50.0, "b": 40.0}, has_uplift=False)
    by_uplift = Expected({"b": 1.0}, {NOTHING: 0.0, "a": 10.0, "b": 20.0}, has_uplift=True)
    assert value_both(by_uplift, by_risk, is_second_canary=False) == (20.0, 10.0)
    assert value_both(by_risk, by_uplift, is_second_canary=True) == (10.0, 20.0)
    assert value_both(by_risk, by_uplift, is_second_canary=False) == (10.0, 20.0)
    assert value_both(by_risk, by_risk, is_second_canary=False) == (50.0, 50.0)
    other = by_uplift._replace(nets={NOTHING: 0.0, "a": 1.0, "b": 3.0}, propensities={"a": 1.0})
    assert value_both(other, by_uplift, is_second_canary=False) == (1.0, 3.0)


def test_a_simulation_decides_as_the_service_does(bundle: Bundle) -> None:
    harmful = with_points(bundle, {BANNER_ALONE: 0.2} | dict.fromkeys(CODES, -0.5))
    [prediction] = harmful.model.predict([EXAMPLE])
    reasons, _ = choose_customer_reasons(harmful.model, EXAMPLE, prediction)
    adjust = partial(find_adjust, harmful.model, prediction=prediction)
    banner = BannerSubscriber(None, EXAMPLE, prediction.probability, reasons, adjust)
    decision = decide_offer(POLICY, banner, TODAY)
    assert (decision.offer, decision.best, find_seen(banner, decision)) == (None, BANNER_ALONE, "reasons alone")
    assert decision.why == "not_worth_its_cost"
    barely = with_points(bundle, {BANNER_ALONE: 0.9})
    adjust = partial(find_adjust, barely.model, prediction=prediction)
    assert decide_offer(POLICY, banner._replace(find_adjust=adjust), TODAY).why == "worth_less_than_the_chosen"
