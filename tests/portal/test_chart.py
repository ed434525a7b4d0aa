"""The waterfall's geometry."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.broken_servers import ANSWER, REASON

from churn.answers import Reason, RetentionAnswer
from portal.chart import Base, build_waterfall, estimate_base, logit

contributions = st.lists(st.floats(-4, 4).map(lambda value: round(value, 4)), max_size=20)


def reasons(*found: float) -> list[Reason]:
    return [
        {**REASON, "shap_contribution": each, "direction": "increases_risk" if each > 0 else "decreases_risk"}  # type: ignore[typeddict-item]  # REASON is one
        for each in found
    ]


def an_answer(probability: float, *found: float) -> RetentionAnswer:
    return {**ANSWER, "churn_probability": probability, "top_reasons": reasons(*found)}


@given(base=st.floats(-3, 3), found=contributions)
def test_the_base_value_follows_from_a_rounded_answer_within_what_is_said(base: float, found: list[float]) -> None:
    margin = base + math.fsum(found)
    answer = an_answer(round(1 / (1 + math.exp(-margin)), 4), *found)
    derived = estimate_base(answer)
    if derived is not None:
        assert abs(derived.log_odds - base) <= derived.give_or_take + 1e-9


def test_the_base_value_is_taken_from_the_answer_that_tells_it_best() -> None:
    vague, exact = an_answer(0.0002, -8.0), an_answer(0.5, 0.2)
    found = estimate_base(vague, exact)
    assert found == estimate_base(exact, vague) == estimate_base(exact)
    assert found is not None
    assert found.log_odds == pytest.approx(-0.2)
    assert found.give_or_take == pytest.approx(0.00025, rel=0.01)


def test_an_answer_rounded_to_certainty_tells_no_base_value() -> None:
    assert estimate_base(an_answer(0.0), an_answer(1.0)) is None


@given(base=st.floats(-3, 3), found=contributions, threshold=st.none() | st.floats(0, 1))
def test_bars_hang_together_and_all_of_it_is_inside(base: float, found: list[float], threshold: float | None) -> None:
    if threshold is not None and 0 < threshold < 1 and abs(logit(threshold)) > 30:
        threshold = 0.6
    chart = build_waterfall(reasons(*found), Base(base, 0.001), threshold=threshold)
    places = [chart.base_at, *(bar.ends for bar in chart.bars)]
    assert [bar.begins for bar in chart.bars] == places[:-1]
    assert chart.ends_at == places[-1]
    assert all(0 < place < 100 for place in places)
    assert chart.log_odds == pytest.approx(base + sum(found), abs=1e-9)
    assert all(0 < tick.at < 100 for tick in chart.ticks)
    assert (chart.threshold is None) == (threshold in {None, 0, 1})


@given(found=contributions)
def test_a_bar_goes_right_if_and_only_if_it_raises_the_risk(found: list[float]) -> None:
    for bar in build_waterfall(reasons(*found), Base(0.0, 0.001), threshold=0.6).bars:
        contribution = bar.reason["shap_contribution"]
        assert (bar.ends - bar.begins) * contribution >= 0
        assert bar.width == pytest.approx(abs(bar.ends - bar.begins))
        assert bar.left == min(bar.begins, bar.ends)


def test_the_same_log_odds_are_at_the_same_place_for_bars_ticks_and_threshold() -> None:
    chart = build_waterfall(reasons(logit(0.8)), Base(0.0, 0.001), threshold=0.8)
    [half] = [tick.at for tick in chart.ticks if tick.probability == 0.5]
    [four_fifths] = [tick.at for tick in chart.ticks if tick.probability == 0.8]
    assert (chart.base_at, chart.ends_at) == (half, four_fifths)
    assert chart.threshold is not None
    assert chart.threshold.at == four_fifths


@pytest.mark.parametrize(("probability", "log_odds"), [(0.5, 0.0), (0.6, 0.405465), (0.01, -4.59512)])
def test_log_odds_are_those_of_the_textbook(probability: float, log_odds: float) -> None:
    assert logit(probability) == pytest.approx(log_odds, abs=1e-5)
