"""What the log teaches about a policy: what is measured, who is missing, and what is said of it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, POLICY

from benchmarks.learning.small_experiment import ACTIONS, draw_experiment
from churn.learning import lessons as module
from churn.learning.lessons import Lessons, draw_lessons
from churn.learning.stakes import Stakes, weigh_exposures
from churn.learning.stopping import DAY_US
from churn.learning.telling import (
    CHOICE_COLUMNS,
    MEASURED_COLUMNS,
    list_choices,
    list_measured,
    list_missing,
    list_stopped,
    summarize_lessons,
)
from churn.outcomes.exposures import Exposures
from churn.retention.offers.policy import Policy, build_policy, parse_policy

CODES = {"yearly": "yearly-20", "loyal": "loyalty-15", "support": "priority-support"}
SEGMENT = '\n[[segment]]\nname = "first"\nwhen.tenure.at_most = 12\n'


@pytest.fixture
def policy() -> Policy:
    """A policy of three offers and one segment."""
    head, *offers = POLICY.read_text(encoding="utf-8").split("[[offer]]\n")
    kept = [offer for offer in offers if any(f'"{code}"' in offer for code in CODES.values())]
    text = "[[offer]]\n".join([head, *kept]) + SEGMENT
    file = parse_policy(text.encode(), POLICY)
    return build_policy(file, STREAMFLOW, languages=LANGUAGES)


def draw(count: int, monkeypatch: pytest.MonkeyPatch, *, days: float = 180) -> Exposures:
    """Rows of an experiment whose stakes are known without any feature."""
    exposures, stakes = draw_experiment(3, count)
    actions = tuple(CODES.get(action, action) for action in ACTIONS)

    def weigh(rows: Exposures, *_: object) -> Stakes:
        return replace(stakes, actions=actions).choose(np.arange(len(rows)))

    monkeypatch.setattr(module, weigh_exposures.__name__, weigh)
    time = np.linspace(0, days * DAY_US, count).astype(np.int64)
    experiment = np.full(count, "retention-banner-1", dtype=object)
    return replace(exposures, actions=actions, time=time, experiment=experiment)


def learn(count: int, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> Lessons:
    return draw_lessons(draw(count, monkeypatch), policy, STREAMFLOW, horizon_days=60)


def test_what_is_measured_fits_a_policy_file(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = learn(20_000, policy, monkeypatch)
    assert [*lessons.measured] == [*CODES.values()]
    yearly = lessons.measured["yearly-20"]
    assert (yearly.first_day, yearly.last_day) == (date(1970, 1, 1), date(1970, 6, 30))
    assert {segment.name for segment in yearly.segments} == {"first", "others"}
    assert yearly.take_up is not None
    assert yearly.take_up.low < 0.25 < yearly.take_up.high
    assert not list_missing(lessons)


def test_too_few_say_how_many_are_missing_and_until_when(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = learn(100, policy, monkeypatch)
    assert not lessons.measured
    support = lessons.offers[2]
    assert support.missing > 0
    assert support.until is not None
    assert support.until > date(1970, 6, 30)
    assert f"{support.missing} are missing" in list_missing(lessons)[2]
    assert support.until.isoformat() in list_missing(lessons)[2]


def test_an_offer_that_nobody_gets_is_never_measured(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    exposures = draw(5_000, monkeypatch)
    chances = exposures.propensities.copy()
    chances[:, 4], taken = 0, np.where(exposures.taken == 4, 0, exposures.taken)
    lessons = draw_lessons(replace(exposures, propensities=chances, taken=taken), policy, STREAMFLOW)
    assert lessons.offers[2].until is None
    assert "they never come" in list_missing(lessons)[0]


def test_another_experiment_teaches_nothing(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    exposures = draw(5_000, monkeypatch)
    other = replace(exposures, experiment=np.full(5_000, "of-last-year", dtype=object))
    lessons = draw_lessons(other, policy, STREAMFLOW)
    assert (lessons.subscribers, lessons.measured, lessons.first_day) == (0, {}, None)
    assert all(lesson.until is None for lesson in lessons.offers)


@pytest.mark.parametrize("count", [0, 100, 20_000])
def test_all_of_it_can_be_said(count: int, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = learn(count, policy, monkeypatch)
    assert {len(row) for row in list_measured(lessons)} == {len(MEASURED_COLUMNS)}
    choices = list_choices(lessons)
    assert {len(row) for row in choices} == {len(CHOICE_COLUMNS)}
    assert sum(row[2] for row in choices) == lessons.subscribers
    assert len(list_stopped(lessons)) == len(lessons.stopped)
    summary = summarize_lessons(lessons)
    assert [offer["code"] for offer in summary["offers"]] == [*CODES.values()]
    assert "assumed" in summary["rests_on"]
