"""Reasons are ranked and true; those that a subscriber may read are verified, one per story."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from support.examples import STREAMFLOW
from support.strategies import subscribers

from churn.contract.declaration import Contract, Feature, Rows
from churn.contract.language import find_language
from churn.contract.phrases import Says
from churn.contract.sampling import draw_columns
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel, Prediction
from churn.model.pairs import STEPS
from churn.retention.reasons import choose_customer_reasons, rank_reasons
from churn.retention.verifying import LATEST, RULES, Rule, predict_moved, verify_reasons

NAMES = STREAMFLOW.feature_names()
SUBSCRIBER = STREAMFLOW.model_validate(STREAMFLOW.example())
AT_EASE = STREAMFLOW.model_validate(
    {
        "tenure": 60,
        "monthly_charges": 60.0,
        "total_charges": 3000.0,
        "contract_type": "one-year",
        "payment_method": "credit_card",
        "num_support_tickets": 0,
        "internet_service": "dsl",
        "streaming_services": 1,
        "paperless_billing": False,
        "senior_citizen": True,
    }
)


def model(effects: Mapping[str, float], *, reference: Contract | None = AT_EASE) -> ChurnModel:
    """A model in which a feature has its effect until it has the reference's value, and then none."""
    at_ease = np.array(AT_EASE.encode(), dtype=np.float32)
    sizes = np.array([effects.get(name, 0.0) for name in NAMES])

    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        return np.column_stack([(rows != at_ease) * sizes, np.full(len(rows), 0.5)]).astype(np.float32)

    return ChurnModel(STREAMFLOW, explain, "v0", reference.encode() if reference else None)


def reasons(
    effects: Mapping[str, float], *, reference: Contract | None = AT_EASE, rule: Rule = RULES[LATEST]
) -> tuple[list[str], dict[str, str]]:
    """The codes of the shown reasons, and why the others are not shown."""
    judge = model(effects, reference=reference)
    shown, suppressed = choose_customer_reasons(judge, SUBSCRIBER, judge.predict([SUBSCRIBER])[0], rule=rule)
    return [reason["code"] for reason in shown], {found["code"]: found["why"] for found in suppressed}


def test_the_strongest_three_are_shown_and_those_to_act_on_come_first() -> None:
    effects = {"tenure": 0.9, "num_support_tickets": 0.8, "contract_type": 0.3, "payment_method": 0.2}
    assert reasons(effects) == (
        ["contract_type.month-to-month", "tenure.short", "num_support_tickets.many"],
        {"payment_method.electronic-check": "beyond_three"},
    )


def test_one_story_is_told_once_by_its_stronger_reason() -> None:
    assert reasons({"tenure": 0.4, "total_charges": 0.6}) == (["total_charges.middle"], {"tenure.short": "same_group"})


def test_what_lowers_the_risk_is_neither_shown_nor_mentioned() -> None:
    assert reasons({"tenure": -0.4, "contract_type": 0.00004, "payment_method": 0.1}) == (
        ["payment_method.electronic-check"],
        {},
    )


def test_a_protected_trait_is_never_shown() -> None:
    assert reasons({"senior_citizen": 2.0}) == ([], {"senior_citizen.false": "protected"})


def test_a_reason_that_does_not_go_away_at_the_reference_is_not_shown() -> None:
    """Even if its contribution says that it raises the risk."""
    same_contract = AT_EASE.model_copy(update={"contract_type": "month-to-month"})
    effects = {"contract_type": 0.6, "payment_method": 0.2}
    assert reasons(effects, reference=same_contract) == (
        ["payment_method.electronic-check"],
        {"contract_type.month-to-month": "not_verified"},
    )


@pytest.mark.parametrize(
    ("rule", "shown", "why"),
    [
        (LATEST, "total_charges.middle", {"tenure.short": "same_group"}),
        (1, "tenure.short", {"total_charges.middle": "not_verified"}),
    ],
)
def test_the_values_of_a_concept_are_moved_together_but_by_the_first_rule(
    rule: int, shown: str, why: dict[str, str]
) -> None:
    same_total = AT_EASE.model_copy(update={"total_charges": SUBSCRIBER.model_dump()["total_charges"]})
    assert reasons({"tenure": 0.4, "total_charges": 0.6}, reference=same_total, rule=RULES[rule]) == ([shown], why)


def test_a_reason_is_not_shown_where_its_concept_as_a_whole_keeps_the_probability() -> None:
    assert reasons({"tenure": 0.6, "total_charges": -0.6}) == ([], {"tenure.short": "not_verified"})
    assert reasons({"tenure": 0.6, "total_charges": -0.6}, rule=RULES[1]) == (["tenure.short"], {})


@pytest.mark.parametrize(
    ("before", "after", "falls_enough"), [(0.29, 0.28, True), (0.29, 0.2801, False), (0.63, 0.62, True)]
)
def test_a_fall_of_exactly_one_point_of_the_shown_probability_is_enough(
    before: float, after: float, *, falls_enough: bool
) -> None:
    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        explained = np.zeros((len(rows), len(NAMES) + 1), dtype=np.float32)
        probability = np.where(rows[:, 0] == AT_EASE.encode()[0], after, before)
        explained[:, 0] = np.log(probability / (1 - probability))
        return explained

    judge = ChurnModel(STREAMFLOW, explain, "v0", AT_EASE.encode())
    [prediction] = judge.predict([SUBSCRIBER])
    assert verify_reasons(judge, prediction, [0]) == {0: falls_enough}
    assert verify_reasons(judge, prediction, [0], RULES[1]) == {0: True}


def test_a_probability_as_shown_is_the_nearest_number_to_its_steps() -> None:
    """So two of them compare exactly, as numbers or as steps."""
    assert [steps / STEPS for steps in range(STEPS + 1)] == [round(steps / STEPS, 4) for steps in range(STEPS + 1)]


def test_several_concepts_are_moved_together() -> None:
    judge = model({"tenure": 0.4, "total_charges": 0.6, "contract_type": 0.3})
    [prediction] = judge.predict([SUBSCRIBER])
    assert predict_moved(judge, prediction.values, [0, 3]) == round(1 / (1 + np.exp(-0.5)), 4)
    assert predict_moved(model({}, reference=None), prediction.values, [0]) is None


def test_a_protected_trait_is_not_moved_with_another_feature() -> None:
    says = {True: Says("Being so"), False: Says("Not being so")}
    worded = {value: Says("It", raises="You have it.", lowers="You have it.") for value in (True, False)}

    class Mixed(Contract):
        """Three features of one group."""

        contract_name = "mixed"
        id_column = "id"
        label_column = "left"
        label_values = ("no", "yes")
        trait: Annotated[bool, Field(description="A trait.", examples=[True]), Feature(says, group="a", protected=True)]
        one: Annotated[bool, Field(description="One.", examples=[True]), Feature(worded, group="a")]
        two: Annotated[bool, Field(description="Two.", examples=[True]), Feature(worded, group="a")]

    assert Mixed.together == ((0,), (1, 2), (1, 2))


def test_without_a_reference_no_reason_can_be_verified() -> None:
    assert reasons({"tenure": 0.4}, reference=None) == ([], {"tenure.short": "not_verified"})


def test_a_fall_that_cannot_be_seen_in_the_shown_probability_is_none() -> None:
    assert reasons({"tenure": 0.0001}) == ([], {"tenure.short": "not_verified"})


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "You have been with us for 14 months, and we would like to make more of the time to come."),
        ("de", "Ihre Zeit bei uns bisher: 14 Monate. Aus der kommenden möchten wir mehr für Sie machen."),
    ],
)
def test_a_reason_is_worded_in_the_language_asked_for(language: str, text: str) -> None:
    judge = model({"tenure": 0.4})
    [shown], _ = choose_customer_reasons(judge, SUBSCRIBER, judge.predict([SUBSCRIBER])[0], find_language(language))
    assert shown == {"code": "tenure.short", "group": "history", "actionable": False, "text": text}


@pytest.mark.parametrize("name", ["streamflow", "telco"])
def test_the_reference_of_a_bundle_is_a_subscriber_whose_fields_speak_for_staying(
    bundles: dict[str, Bundle], name: str
) -> None:
    bundle = bundles[name]
    contract, reference = bundle.model.contract, bundle.manifest.reference_values
    assert bundle.model.reference == contract.model_validate(reference).encode()
    rows = contract.encode_columns(draw_columns(contract, np.random.default_rng(1), 400))
    parts = bundle.model.explain(rows)[:, :-1]
    for at, spec in enumerate(contract.features):
        if (parts[:, at] > 0.05).any() and (parts[:, at] < -0.05).any():
            worst = rows[parts[:, at].argmax()].tolist()
            [prediction] = bundle.model.predict_encoded([tuple(worst)])
            assert verify_reasons(bundle.model, prediction, [at], RULES[1]) == {at: True}, spec.name


contributions = st.lists(st.floats(-5, 5, width=32), min_size=10, max_size=10).map(tuple)


def predicted(subscriber: Contract, contributions: tuple[float, ...]) -> Prediction:
    return Prediction(0.5, subscriber.encode(), contributions, 0.0)


@given(subscribers(STREAMFLOW).map(STREAMFLOW.model_validate), contributions)
def test_reasons_are_ranked_by_size_and_say_what_their_number_says(
    subscriber: Contract, contributions: tuple[float, ...]
) -> None:
    reasons = rank_reasons(subscriber, predicted(subscriber, contributions), count=10)
    sizes = [abs(reason["shap_contribution"]) for reason in reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert {reason["feature"] for reason in reasons} == set(STREAMFLOW.feature_names())
    verbs = {1: " increases ", 0: " has no effect on ", -1: " decreases "}
    for reason in reasons:
        sign = (reason["shap_contribution"] > 0) - (reason["shap_contribution"] < 0)
        assert verbs[sign] in reason["plain_language"]
        assert reason["direction"] == ("increases_risk" if sign > 0 else "decreases_risk")
        assert reason["value"] == subscriber.encode()[STREAMFLOW.feature_names().index(reason["feature"])]


def test_a_long_history_is_never_called_short() -> None:
    """The first version worded a reason by its direction alone."""
    veteran = STREAMFLOW.model_validate(STREAMFLOW.example() | {"tenure": 120})
    reason = rank_reasons(veteran, predicted(veteran, (1.0, *[0.0] * 9)))[0]
    assert reason["plain_language"] == "A long history of 120 months increases churn risk"


def test_equal_contributions_come_in_the_contracts_order() -> None:
    reasons = rank_reasons(SUBSCRIBER, predicted(SUBSCRIBER, (0.5, -0.5) * 5))
    assert [reason["feature"] for reason in reasons] == STREAMFLOW.feature_names()[:3]


def test_a_contribution_that_is_shown_as_zero_claims_no_effect() -> None:
    reason = rank_reasons(SUBSCRIBER, predicted(SUBSCRIBER, (-0.00001, *[0.0] * 9)))[0]
    assert str(reason["shap_contribution"]) == "0.0"
    assert reason["plain_language"] == "A short history of 14 months has no effect on churn risk"
