"""Played rollouts: what they wait for, when they end, and what is said of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.businesses import find_contract
from churn.rollout.first_answers import list_parts
from churn.rollout.forecast.forecast import VersionForecast, forecast_version
from churn.rollout.forecast.playing import FindOpening, search_first
from churn.rollout.forecast.traffic import Traffic
from churn.rollout.forecast.versions import Version, build_bad_versions, build_equal_version
from churn.rollout.forecast.wording import describe_forecast, find_stuck, suggest_change
from churn.rollout.plan import Plan, read_plan

BEGIN = datetime(2026, 12, 1, 9, tzinfo=UTC)
PARTS = list_parts(find_contract("streamflow"))
RUNS = 2


def plan(*weights: int, **changes: Any) -> Plan:
    """Steps of an hour at least and two days at most."""
    step = {"hold_hours": 1.0, "minimum_requests": 100, "maximum_hold_hours": 48.0}
    tables = [{"weight_percent": weight, **step} for weight in (*(weights or (10,)), 100)]
    return Plan.model_validate({"step": tables, "window": "always", **changes})


def foretell(
    steps: Plan,
    *,
    per_hour: float = 20_000,
    errors: float = 0.0002,
    canary: Version | None = None,
    find_opening: FindOpening | None = None,
) -> VersionForecast:
    equal, traffic = build_equal_version(PARTS, errors), Traffic.from_rate(per_hour, 5)
    return forecast_version(steps, traffic, equal, canary or equal, begin=BEGIN, find_opening=find_opening, runs=RUNS)


def test_with_enough_traffic_an_equal_version_is_promoted_and_the_check_that_takes_longest_is_named() -> None:
    steps = plan()
    forecast = foretell(steps)
    assert (forecast.can_end, forecast.ended) == (True, {"promoted": RUNS})
    first = forecast.steps[0]
    assert first.bound_by == {"error share": RUNS}
    assert first.hours.median is not None
    assert first.canary_requests.median == pytest.approx(2000 * first.hours.median, rel=0.05)
    assert "10 % for" in describe_forecast(steps, forecast)


def test_the_same_arguments_give_the_same_figures() -> None:
    steps = plan(model_checks=False)
    assert foretell(steps) == foretell(steps)


def test_what_the_plan_asks_for_binds_where_the_checks_are_sure_before() -> None:
    for key, value in (("hold_hours", 40.0), ("minimum_requests", 60_000)):
        tables = plan().model_dump(by_alias=True)["step"]
        steps = plan(step=[{**tables[0], key: value}, tables[1]])
        assert foretell(steps).steps[0].bound_by == {key: RUNS}


def test_a_plan_that_cannot_end_says_where_and_what_to_change() -> None:
    steps = plan(50)
    forecast = foretell(steps, per_hour=1500, errors=0.02)
    assert (forecast.can_end, forecast.ended) == (False, {"not in time": RUNS})
    told = describe_forecast(steps, forecast)
    assert "not expected to end" in told
    assert "Step 1, 50 %, waits longer than its longest hold, 48 h, for error share" in told
    assert '"error share" = 0.5 in [relative_tolerances]' in suggest_change(steps, forecast)
    followed = plan(50, relative_tolerances={"error share": 0.5})
    assert foretell(followed, per_hour=1500, errors=0.02).can_end


def test_an_early_step_that_is_never_left_is_told_of_its_own_tolerance() -> None:
    steps = plan(5, 50, model_checks=False)
    forecast = foretell(steps, per_hour=400, errors=0.01)
    assert find_stuck(forecast) == (0, "error share")
    assert 'more than 0.005 for "error share" in the tolerances of step 1' in suggest_change(steps, forecast)


def test_a_plan_that_holds_on_without_evidence_cannot_end_either() -> None:
    assert foretell(plan(without_evidence="hold"), per_hour=20).ended == {"not in time": RUNS}


def test_each_bad_version_is_sent_back_by_the_check_that_it_is_bad_by() -> None:
    steps = plan()
    for bad, check in zip(
        build_bad_versions(build_equal_version(PARTS, 0.0002), steps.checks),
        ("error share", "over 200 ms", "scores"),
        strict=True,
    ):
        forecast = foretell(steps, canary=bad)
        assert (forecast.ended, forecast.bound_by, forecast.sent_back_at) == ({"rolled back": RUNS}, {check: RUNS}, 1)
        assert forecast.hours.median is not None


def test_without_the_models_checks_only_health_is_played() -> None:
    steps = plan(model_checks=False)
    bad = build_bad_versions(build_equal_version(PARTS, 0.0002), steps.checks)
    assert [version.name.partition(":")[0] for version in bad] == ["errors", "over 200 ms"]
    assert foretell(steps).can_end


def test_a_plan_with_a_baseline_is_played_with_it() -> None:
    steps = plan(model_checks=False, baseline=True)
    slow = build_bad_versions(build_equal_version(PARTS, 0.0002), steps.checks)[1]
    assert foretell(steps).can_end
    assert foretell(steps, canary=slow).ended == {"rolled back": RUNS}


def test_a_step_waits_for_the_release_window() -> None:
    def open_at_nine(at: datetime) -> datetime | None:
        nine = at.replace(hour=9, minute=0, second=0, microsecond=0)
        return None if at.hour == nine.hour else nine + timedelta(days=at >= nine)

    forecast = foretell(plan(), find_opening=open_at_nine)
    assert forecast.steps[0].bound_by == {"release window": RUNS}
    assert forecast.steps[0].hours.median == pytest.approx(24)


@given(st.integers(1, 200), st.integers(0, 250), st.integers(0, 250))
def test_the_first_look_that_decides_is_found_wherever_the_search_begins(size: int, first: int, hint: int) -> None:
    assert search_first(size, lambda number: number >= first, hint) == min(first, size - 1)


def test_the_default_plan_can_end_with_usual_traffic() -> None:
    usual = read_plan().model_copy(update={"window": "always"})
    assert foretell(usual, per_hour=3000).can_end
