"""When retraining is due, and what a plan may say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from churn.errors import SettingsError
from churn.retraining.due import find_due
from churn.retraining.plan import RetrainingPlan, read_retraining_plan

NOW = datetime(2026, 11, 30, tzinfo=UTC)
PLAN = RetrainingPlan(every_days=90, drift=True, new_outcomes=1000, days_apart=28)


@pytest.mark.parametrize(
    ("days", "band", "outcomes", "asked_for", "cause"),
    [
        (89, "moved", 999, False, None),
        (90, "steady", 0, False, "date"),
        (30, "far", 0, False, "drift"),
        (30, "too few", 1000, False, "outcomes"),
        (27, "far", 9000, False, None),
        (27, None, 0, True, "asked for"),
        (None, None, 0, False, "date"),
    ],
)
def test_it_is_due_by_date_by_drift_or_by_outcomes_and_never_too_soon(
    days: int | None, band: str | None, outcomes: int, asked_for: bool, cause: str | None
) -> None:
    last = None if days is None else NOW - timedelta(days=days)
    due = find_due(PLAN, now=NOW, last=last, band=band, new_outcomes=outcomes, asked_for=asked_for)
    assert due.cause == cause, due.describe()
    assert due.next_by_date == (None if last is None else last + timedelta(days=90))


def test_what_the_plan_does_not_name_never_makes_it_due() -> None:
    plan = RetrainingPlan(new_outcomes=10)
    due = find_due(plan, now=NOW, last=NOW - timedelta(days=3000), band="far", new_outcomes=9)
    assert due.cause is None
    assert due.reasons == ("by outcomes: 9 new ones, of 10 that are needed",)


def test_the_plan_that_comes_with_the_package_stops_at_the_shadow() -> None:
    plan = read_retraining_plan()
    assert (plan.then, plan.every_days, plan.drift, plan.new_outcomes) == ("shadow", 90, True, 5000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing ever makes it due"),
        ("drift = true\nthen = 'rollout'", "rollout is missing"),
        ("drift = true\nthen = 'rollout'\nrollout = ['churn', 'rollout']", "rollout is missing"),
        ("drift = true\nevry_days = 3", "evry_days"),
        ("every_days = 0", "every_days"),
        ("every_days = '90'", "every_days"),
        ("least_held_out = 3\ndrift = true", "least_held_out"),
        ("drift = ", "is no TOML"),
    ],
)
def test_a_wrong_plan_is_refused_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_retraining_plan(path)


def test_the_version_is_put_into_the_words_of_the_rollout() -> None:
    plan = RetrainingPlan(drift=True, then="rollout", rollout=("release", "{version}", "--tag={version}"))
    assert plan.build_rollout("v2.3.2") == ["release", "v2.3.2", "--tag=v2.3.2"]
