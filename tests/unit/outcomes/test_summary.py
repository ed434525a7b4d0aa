"""The figures of outcomes: against a library, and by what they must satisfy."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from support.logged import write_journal

from churn.answers import Arm
from churn.dashboard.charts.outcomes import report_outcomes
from churn.errors import DataError
from churn.model.model import Prediction
from churn.outcomes.experiment import compare_arms
from churn.outcomes.file import Outcome, read_outcomes
from churn.outcomes.join import JoinedOutcomes, LabelledPrediction, find_missing
from churn.outcomes.quality import measure_auc, measure_lift, measure_quality
from churn.outcomes.ripeness import find_label
from churn.outcomes.store import erase_outcomes, load_outcomes, locate_outcomes, write_outcomes
from churn.outcomes.strata import Stratum, bound_effect
from churn.outcomes.summary import summarize_outcomes
from churn.prediction_log.places import Places
from churn.prediction_log.record import Entry, JournalHeader, LineMaker, hash_key
from churn.retention.banner import Decision

DRAWN: dict[str, Any] = {"experiment": "one", "holdout_share": 0.25}


def predicted(
    who: str, *, at: int = 0, arm: str | None = None, left: bool | None = False, score: float = 0.5, **drawn: Any
) -> LabelledPrediction:
    return LabelledPrediction(at, f"{who}-{at}", who, "v1", score, arm, None, left=left, **drawn)


def join(*predictions: LabelledPrediction) -> JoinedOutcomes:
    joined = JoinedOutcomes()
    for prediction in predictions:
        joined.add(prediction)
    return joined


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=60))
def test_the_auc_is_that_of_scikit_learn_and_lies_in_its_interval(rows: list[tuple[int, bool]]) -> None:
    scores, left = np.array([row[0] / 20 for row in rows]), np.array([row[1] for row in rows])
    if not 0 < left.sum() < len(left):
        return
    auc = measure_auc(scores, left)
    assert auc.value == pytest.approx(roc_auc_score(left, scores))
    assert 0 <= auc.low <= auc.value <= auc.high <= 1


def test_the_interval_of_the_auc_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    truth, covered = 0.7602499389, 0  # of two normal distributions one apart: Phi(1 / sqrt(2))
    for _ in range(400):
        left = np.arange(300) < 100
        auc = measure_auc(generator.normal(size=300) + left, left)
        covered += auc.low <= truth <= auc.high
    assert 0.92 < covered / 400 < 0.98


def test_the_interval_of_the_lift_covers_the_truth_as_often_as_it_says() -> None:
    generator, truth, covered = np.random.default_rng(4), 0.95 / 0.5, 0
    for _ in range(600):
        scores = generator.random(600)
        lift = measure_lift(scores, generator.random(600) < scores)
        covered += lift.low <= truth <= lift.high
    assert 0.93 < covered / 600 < 0.98


@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_the_lift_lies_in_its_interval_and_nothing_is_out_of_reach(left: list[bool]) -> None:
    lift = measure_lift(-np.arange(len(left), dtype=float), np.array(left))
    assert 0 <= lift.low <= lift.value + 1e-9
    assert lift.value <= lift.high + 1e-9
    assert lift.high <= max(10, len(left))


def test_of_a_subscriber_the_first_prediction_counts() -> None:
    joined = join(predicted("one", at=2, score=0.9), predicted("one", at=1, score=0.7), predicted("two", at=1))
    assert [prediction.probability for prediction in joined.group_by_version()["v1"]] == [0.7, 0.5]


def test_who_changes_the_arm_counts_in_the_first_of_each_experiment() -> None:
    old: dict[str, Any] = {"experiment": "old", "holdout_share": 0.1}
    new = old | {"experiment": "new"}
    joined = join(
        predicted("one", at=3, arm="treatment", left=True, **new),
        predicted("one", at=1, arm="holdout", left=True, **old),
        predicted("two", at=2, arm="treatment", **old, policy_version="2"),
        predicted("two", at=4, arm="holdout", **(old | {"holdout_share": 0.2})),
    )
    newest, earlier = map(compare_arms, joined.group_by_experiment())
    assert (newest.name, newest.holdout, newest.treatment, newest.treatment_left) == ("new", 0, 1, 1)
    assert newest.reason.endswith("so nothing can be compared")
    assert (earlier.name, earlier.holdout, earlier.treatment, earlier.torn) == ("old", 1, 1, 1)
    assert [(stratum.share, stratum.holdout_left, stratum.treatment_left) for stratum in earlier.strata] == [
        (0.1, 1, 0)
    ]


def test_older_records_belong_to_the_experiment_of_later_ones_with_the_same_policy() -> None:
    drawn: dict[str, Any] = {"experiment": "one", "holdout_share": 0.1, "policy_version": "2"}
    joined = join(
        predicted("a", at=1, arm="holdout", policy_version="1"),
        predicted("b", at=2, arm="holdout", policy_version="2"),
        predicted("b", at=5, arm="holdout", **drawn),
        predicted("c", at=4, arm="treatment", **drawn),
    )
    cohorts = joined.group_by_experiment()
    assert [(cohort.experiment, list(cohort.members)) for cohort in cohorts] == [("one", ["b", "c"]), (None, ["a"])]
    assert cohorts[0].members["b"].time == 2
    [of_policy] = compare_arms(cohorts[1]).strata
    assert (of_policy.share, of_policy.policy_version) == (None, "1")


def test_looking_again_and_again_seldom_finds_an_effect_that_is_not_there() -> None:
    generator = np.random.default_rng(9)
    wrong = 0
    for _ in range(60):
        left = (generator.random(4000) < 0.5).tolist()
        looks = [
            bound_effect([Stratum(held, 4 * held, sum(left[:held]), sum(left[-4 * held :]))], 0.05)
            for held in range(20, 801, 60)
        ]
        wrong += any(low > 0 or high < 0 for low, high in looks)
    assert wrong <= 3 + 4  # 5 % of 60 at most, and what chance adds to that


def write_visits(places: Places, experiment: str, *visits: tuple[int, str, Arm, float]) -> None:
    """A journal of one experiment: when somebody came, who, in which arm, and with which probability."""
    places.prepare()
    header = JournalHeader(
        "streamflow",
        ("x",),
        "v1",
        "0" * 64,
        0.6,
        "a salt",
        experiment=experiment,
        holdout_share=0.1,
        policy_version="1",
    )
    lines = LineMaker(header)
    written = [lines.header]
    for at_s, key, arm, score in visits:
        banner: Any = {"arm": arm, "reasons": [], "offer": None, "language": "en"} if score > 0.6 else None
        decision = Decision(banner, None, "risk", []) if banner else None
        answer: Any = {"top_reasons": [], "show_retention_banner": bool(banner)}
        prediction = Prediction(score, (1.0,), (0.0,), 0.0)
        entry = Entry(at_s * 10**9, f"{at_s:032x}", "", key, prediction, answer, decision, arm=arm)
        written.append(lines.make_line(entry))
    (places.journals / f"{experiment}.jsonl").write_bytes(b"".join(written))


def test_a_renamed_experiment_in_the_log_has_figures_of_its_own_and_only_banners_count(tmp_path: Path) -> None:
    places = Places(str(tmp_path / "log"), tmp_path / "log" / "journals")
    write_visits(places, "old", (1, "a", "holdout", 0.9), (2, "b", "treatment", 0.9), (3, "c", "holdout", 0.1))
    write_visits(places, "new", (4, "a", "treatment", 0.9), (5, "b", "treatment", 0.1), (6, "c", "holdout", 0.8))
    outcomes = [
        Outcome("subscriber", str(hash_key(key, "a salt")), left=key == "a", accepted=None) for key in ("a", "b", "c")
    ]
    write_outcomes(locate_outcomes(tmp_path, "streamflow"), outcomes)
    summary = summarize_outcomes(tmp_path, "streamflow", places, now=datetime.fromtimestamp(100, UTC))
    [earlier] = summary.earlier
    arms = [(each.name, each.holdout, each.treatment, each.torn) for each in (summary.experiment, earlier)]
    assert arms == [("new", 1, 1, 0), ("old", 1, 1, 0)]
    assert (summary.experiment.treatment_left, earlier.holdout_left, summary.missing) == (1, 1, 0)
    assert [row.share for row in earlier.rows()] == ["10 %"]


def test_where_everybody_stayed_there_is_no_auc_and_no_lift() -> None:
    quality = measure_quality("v1", [predicted("one"), predicted("two")])
    assert (quality.auc, quality.lift, quality.left) == (None, None, 0)


def test_a_prediction_counts_once_it_is_as_old_as_the_horizon(tmp_path: Path) -> None:
    places = Places(str(tmp_path / "log"), tmp_path / "log" / "journals")
    day_s = 24 * 3600
    for name, at_s in (("old", 0), ("young", 50 * day_s)):
        write_journal(places, name, version="v1", features=["x"], rows=[[1.0]] * 3, scores=[0.5] * 3, at_s=at_s)
    ids = [f"{at + number:032x}" for at in (0, 50 * day_s) for number in range(3)]
    path = locate_outcomes(tmp_path, "streamflow")
    write_outcomes(path, [Outcome("prediction_id", identity, left=True, accepted=None) for identity in ids])

    def count(days: float, horizon_days: int | None) -> tuple[int, int]:
        now = datetime.fromtimestamp(0, UTC) + timedelta(days=days, seconds=2)
        summary = summarize_outcomes(tmp_path, "streamflow", places, now=now, horizon_days=horizon_days)
        assert sum(quality.count for quality in summary.versions) == summary.matched
        said = f"{summary.too_young:,} are not old enough yet: one waits {horizon_days} days after a prediction."
        assert (said in report_outcomes(summary).basis) == (summary.too_young > 0)
        return summary.matched, summary.too_young

    assert count(60, None) == (6, 0)
    assert count(60, 30) == (3, 3)
    assert count(30, 30) == (3, 3)
    assert count(29, 30) == (0, 6)
    assert count(80, 30) == (6, 0)


def test_who_left_after_the_horizon_had_not_left_in_time_and_who_left_before_does_not_count() -> None:
    day_us = 24 * 3600 * 10**6
    gone = Outcome("subscriber", "a", left=True, accepted=None, left_on=date(1970, 3, 2))  # day 60
    labels = [find_label(gone, day * day_us, 30) for day in (0, 29, 30, 60, 61)]
    assert labels == [False, False, True, True, None]
    assert find_label(gone, 0, None) is True
    assert find_label(gone._replace(left_on=None), 61 * day_us, 30) is True


def test_the_day_on_which_somebody_left_is_kept_replaced_and_erased(tmp_path: Path) -> None:
    path = tmp_path / "streamflow.sqlite"
    gone = Outcome("subscriber", "a", left=True, accepted=None, left_on=date(2026, 3, 31))
    other = gone._replace(id="b")
    write_outcomes(path, [gone, other])
    assert load_outcomes(path) == [gone, other]
    back = gone._replace(left=False, left_on=None)
    write_outcomes(path, [back])
    assert load_outcomes(path) == [back, other]
    erase_outcomes(path, "b")
    assert load_outcomes(path) == [back]
    assert b"2026-03-31" not in path.read_bytes()


def test_what_an_offer_has_cost_and_how_long_somebody_was_watched_is_kept_replaced_and_erased(tmp_path: Path) -> None:
    path = tmp_path / "streamflow.sqlite"
    gone = Outcome("subscriber", "a", left=False, accepted=True, paid=12.5, watched_until=date(2026, 3, 31))
    write_outcomes(path, [gone, gone._replace(id="b", paid=None)])
    assert load_outcomes(path) == [gone, gone._replace(id="b", paid=None)]
    later = gone._replace(accepted=None, paid=None, watched_until=None)
    write_outcomes(path, [later])  # says nothing of acceptance and of what was paid
    assert load_outcomes(path)[0] == later._replace(accepted=True, paid=12.5)
    erase_outcomes(path, "b")
    assert b"2026-03-31" not in path.read_bytes()


def test_a_file_that_was_written_before_these_were_known_is_read_and_extended(tmp_path: Path) -> None:
    path = tmp_path / "streamflow.sqlite"
    gone = Outcome("subscriber", "a", left=True, accepted=None, left_on=date(2026, 3, 31))
    write_outcomes(path, [gone])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE outcome_detail")
    assert load_outcomes(path) == [gone]
    write_outcomes(path, [gone._replace(id="b", paid=1.0)])
    assert load_outcomes(path) == [gone, gone._replace(id="b", paid=1.0)]


def test_a_file_says_what_was_paid_and_how_long_somebody_was_watched_and_wrong_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"

    def read(*rows: str) -> list[Outcome]:
        path.write_text("\n".join(["subscriber,left,accepted,left_on,paid,watched_until", *rows]), encoding="utf-8")
        return read_outcomes(path, hash_key=str)

    last = date(2026, 3, 31)
    assert read("a,yes,yes,2026-03-01,3.5,2026-03-31", "b,no,,,,") == [
        Outcome("subscriber", "a", left=True, accepted=True, left_on=date(2026, 3, 1), paid=3.5, watched_until=last),
        Outcome("subscriber", "b", left=False, accepted=None),
    ]
    with pytest.raises(DataError) as error:
        read(
            "a,no,,,much,", "b,no,,,-1,", "c,yes,,2026-04-01,,2026-03-31", "d,no,no,,5,", "e,no,,,nan,", "f,no,,,,soon"
        )
    for said in (
        "line 2: paid is 'much', not an amount",
        "line 3: paid is '-1'",
        "line 4: left_on is '2026-04-01', after watched_until, '2026-03-31'",
        "line 5: paid is 5, but accepted says no",
        "line 6: paid is 'nan'",
        "line 7: watched_until is 'soon', not a day such as 2026-03-31",
    ):
        assert said in error.value.message
    with pytest.raises(DataError, match="watched_until is the day on which they left, for all 2 who left"):
        read("a,yes,,2026-03-01,,2026-03-01", "b,yes,,2026-03-04,,2026-03-04", "c,no,,,,2026-03-31")


def test_who_stayed_and_is_not_imported_yet_is_missing_and_there_is_no_advice() -> None:
    """Of 2,000 the half that left is imported at once; who stayed comes later. The banner keeps one in five."""
    joined = JoinedOutcomes()
    for number in range(2000):
        arm, left = ("holdout", number % 8 < 6) if number % 4 == 0 else ("treatment", number % 5 < 2)
        joined.add(predicted(f"{number}", at=number, arm=arm, left=True if left else None, **DRAWN))
    joined.missing = find_missing({first.identity: first.time for first in joined.assigned.values()}, joined.known)
    [cohort] = joined.group_by_experiment()
    early = compare_arms(cohort)
    assert early.missing == len(joined.missing) == 2000 - early.holdout - early.treatment > 0
    assert (early.advice, early.effect.low < -0.3 < 0 < early.effect.high) == ("hold", True)
    assert "missing; import what became of them" in early.reason
    for member in cohort.members.values():
        joined.add(member._replace(left=bool(member.left)))
    joined.missing = set()
    assert compare_arms(*joined.group_by_experiment()).advice == "keep"


def test_missing_is_who_came_between_the_first_and_the_last_day_with_an_outcome() -> None:
    day = 24 * 3600 * 10**6
    came = {"before": 0, "first": day, "between": 2 * day, "same day": 3 * day, "last": 3 * day + 1, "after": 4 * day}
    assert find_missing(came, {"first", "last"}) == {"between", "same day"}
    assert find_missing(came, {}) == set()


def test_arms_that_are_not_as_drawn_are_given_no_advice() -> None:
    """Nobody leaves of the treated, and everybody of the holdout; yet half of the holdout is lost."""
    joined = join(
        *(
            predicted(f"{n}", arm="holdout" if n % 8 == 0 else "treatment", left=n % 8 == 0, **DRAWN)
            for n in range(4_000)
        )
    )
    experiment = compare_arms(*joined.group_by_experiment())
    assert experiment.effect.high < -0.5
    assert (experiment.advice, experiment.ratio is not None and experiment.ratio.is_wrong) == ("hold", True)
    assert "500 of 4,000 subscribers are in the holdout, where 1,000 were drawn" in experiment.reason


def test_each_interval_says_whether_it_holds_at_every_look() -> None:
    quality = measure_quality("v1", [predicted("one", left=True), predicted("two"), predicted("three")])
    assert quality.auc is not None
    assert quality.lift is not None
    assert (quality.auc.every_look, quality.lift.every_look) == (False, False)
    assert all(bin_.left.every_look for bin_ in quality.calibration)
