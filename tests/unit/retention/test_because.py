"""Why an offer is for somebody: in words that are true of them, and without which XGBoost itself would add less."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import STREAMFLOW
from support.uplifts import OFFERS, PROTECTED, ROWS, draw_rows, fit_whole, write_uplift_bundle

from churn.answers import OfferReason
from churn.contract.declaration import Contract
from churn.contract.language import ENGLISH, Language, find_language
from churn.contract.messages import OFFER_IS_FOR_YOU
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel
from churn.retention.because import explain_offer

WHOLE = fit_whole(draw_rows(ROWS))
LEAST_FALL = 0.005
ROUNDING = 1.01e-4


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_uplift_bundle(tmp_path_factory.mktemp("because") / "v0.1.0")


def person_of(seed: int, **changes: object) -> Contract:
    row = draw_rows(1, seed)[0].tolist()
    values = {spec.name: spec.decode(value) for spec, value in zip(STREAMFLOW.features, row, strict=True)}
    return STREAMFLOW.model_validate(values | changes)


def explain(model: ChurnModel, person: Contract, code: str, language: Language = ENGLISH) -> list[OfferReason]:
    [prediction] = model.predict([person])
    return explain_offer(model, person, prediction, code, language)


def ask_whole(row: np.ndarray, code: str) -> float:
    hidden = np.where(PROTECTED, np.float32(np.nan), row.astype(np.float32))
    offer = np.eye(len(OFFERS), dtype=np.float32)[OFFERS.index(code)]
    return float(WHOLE.predict(xgboost.DMatrix(np.hstack([hidden, offer])[None, :]))[0])


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), code=st.sampled_from(OFFERS[1:]))
def test_each_reason_is_the_value_and_without_its_concept_xgboost_adds_less(
    bundle: Bundle, seed: int, code: str
) -> None:
    model, person = bundle.model, person_of(seed)
    assert model.reference
    row, specs = np.array(person.encode()), {spec.name: spec for spec in STREAMFLOW.features}
    reasons = explain(model, person, code)
    named = [specs[reason["code"].partition(".")[0]] for reason in reasons]
    assert len({spec.group for spec in named}) == len(reasons) <= 2
    for spec, reason, around in zip(named, reasons, OFFER_IS_FOR_YOU, strict=False):
        value = getattr(person, spec.name)
        assert not spec.marker.protected
        assert reason["code"] == spec.code_from_value(value)
        assert reason["text"] == around.replace("{reason}", spec.word_for_offer(value))
        moved = row.copy()
        for at, other in enumerate(STREAMFLOW.features):
            if other.group == spec.group and not other.marker.protected:
                moved[at] = model.reference[at]
        assert ask_whole(row, code) - ask_whole(moved, code) >= LEAST_FALL - ROUNDING


def find_two(model: ChurnModel) -> tuple[Contract, str]:
    """Find somebody whose offer has two reasons."""
    cases = ((person_of(seed), code) for seed in range(400) for code in OFFERS[1:])
    return next(islice(((who, code) for who, code in cases if len(explain(model, who, code)) == 2), 1))


def test_two_sentences_are_read_one_after_the_other_in_the_subscribers_language(bundle: Bundle) -> None:
    model = bundle.model
    who, code = find_two(model)
    english, german = explain(model, who, code), explain(model, who, code, find_language("de"))
    assert [reason["code"] for reason in english] == [reason["code"] for reason in german]
    assert english[0]["text"].startswith("This offer is for you because you")
    assert english[1]["text"].startswith("It is also for you because you")
    assert german[0]["text"].startswith("Dieses Angebot ist für Sie, weil ")
    assert not any("{" in reason["text"] for reason in english + german)


def test_what_is_not_translated_is_not_said(bundle: Bundle) -> None:
    model = bundle.model
    who, code = find_two(model)
    german, reasons = find_language("de"), explain(model, who, code)
    around = replace(german, lacks=frozenset(OFFER_IS_FOR_YOU[:1]))
    assert explain(model, who, code, around) == []
    spec = next(spec for spec in STREAMFLOW.features if spec.name == reasons[0]["code"].partition(".")[0])
    without = replace(german, lacks=frozenset({spec.find_band(getattr(who, spec.name)).suits}))
    assert reasons[0]["code"] not in [reason["code"] for reason in explain(model, who, code, without)]


@pytest.mark.parametrize(
    "change",
    [lambda model: replace(model, uplift=None), lambda model: replace(model, reference=None)],
    ids=["no uplift", "no reference"],
)
def test_nothing_is_said_that_nobody_can_verify(bundle: Bundle, change: Callable[[ChurnModel], ChurnModel]) -> None:
    who, code = find_two(bundle.model)
    assert explain(change(bundle.model), who, code) == []


def test_a_value_that_makes_the_offer_help_less_is_no_reason(bundle: Bundle) -> None:
    codes = [
        reason["code"] for reason in explain(bundle.model, person_of(3, num_support_tickets=0), "priority-support")
    ]
    assert "num_support_tickets.none" not in codes
