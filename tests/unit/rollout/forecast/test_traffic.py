"""What comes, hour by hour, and how it is read from the log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.logged import write_journal

from churn.errors import RolloutError
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places
from churn.prediction_log.segments import open_store
from churn.rollout.forecast.log_traffic import Tally, read_traffic
from churn.rollout.forecast.stage import draw_counts
from churn.rollout.forecast.traffic import DAY_H, HOUR_S, Traffic
from churn.rollout.forecast.versions import build_equal_version

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)


def log(tmp_path: Path) -> Places:
    return Places(str(tmp_path / "log"), tmp_path / "log" / "journals")


def write(places: Places, at: datetime, keys: list[str], *, closed: bool = False) -> None:
    """A request a second from then on, by these people."""
    rows, scores = [[1.0]] * len(keys), [0.5] * len(keys)
    name = f"{at:%d-%H%M}"
    write_journal(
        places, name, version="v1", features=["x"], rows=rows, scores=scores, at_s=int(at.timestamp()), keys=keys
    )
    if closed:
        close_journals(places.journals, open_store(places.where))


def test_requests_follow_the_hours_of_the_day_for_as_long_as_one_likes() -> None:
    traffic = Traffic((0.0,) * 12 + (60.0,) * 12)
    noon = (MIDNIGHT + timedelta(hours=12)).timestamp()
    assert traffic.count_requests(noon - 3 * HOUR_S, noon + 1.5 * HOUR_S) == pytest.approx(90)
    assert traffic.count_requests(noon, noon + 10.5 * DAY_H * HOUR_S) == pytest.approx(10.5 * traffic.per_day, rel=0.05)


def test_beyond_what_was_seen_new_people_come_as_in_its_latter_half() -> None:
    traffic = Traffic((1.0,) * DAY_H, (0.0, 50.0, 100.0), (0.0, 40.0, 60.0))
    assert [traffic.count_people(requests) for requests in (0, 25, 100, 150)] == [0, 20, 60, 80]


def test_people_who_come_at_one_pace_are_new_each_time() -> None:
    assert Traffic.from_rate(10, 4).count_people(1000) == pytest.approx(250)


def test_a_log_tells_of_each_hour_and_of_different_people(tmp_path: Path) -> None:
    places, hour = log(tmp_path), timedelta(hours=1)
    write(places, MIDNIGHT, ["a", "b", "a", "c"], closed=True)
    write(places, MIDNIGHT + hour, ["a", "d"])
    logged = read_traffic(places, MIDNIGHT - hour, MIDNIGHT + 2 * hour)
    assert (logged.records, logged.people, logged.begin) == (6, 4, MIDNIGHT)
    assert logged.traffic.hourly == (4.0, 2.0, *[3.0] * 22)  # of the other hours only the mean is known
    assert [logged.traffic.count_people(requests) for requests in (4, 6)] == [3, 4]
    assert logged.traffic.repeated == pytest.approx(1 / 6)  # `a` two seconds after the first time


def test_requests_within_a_minute_of_another_one_are_drawn_and_count_once() -> None:
    version = build_equal_version([], 0.1)
    counts = draw_counts(version, 10_000, np.random.default_rng(1), 0.8)
    once = counts.drop_repeats()
    assert once.requests == sum(once.latency) == pytest.approx(2000, abs=200)
    assert once.errors == pytest.approx(200, abs=60)
    assert not draw_counts(version, 10_000, np.random.default_rng(1)).has_repeats


def test_what_is_not_of_the_time_does_not_count(tmp_path: Path) -> None:
    places, hour = log(tmp_path), timedelta(hours=1)
    write(places, MIDNIGHT - 3 * hour, ["old"] * 50)
    write(places, MIDNIGHT, ["a"])
    logged = read_traffic(places, MIDNIGHT, MIDNIGHT + 2 * hour)
    assert (logged.records, logged.people) == (1, 1)


def test_after_some_time_no_further_file_is_read_and_the_hours_that_were_read_tell(tmp_path: Path) -> None:
    places, hour = log(tmp_path), timedelta(hours=1)
    for number in range(5):
        write(places, MIDNIGHT + number * hour, ["a"] * (number + 1), closed=number < 4)
    logged = read_traffic(places, MIDNIGHT, MIDNIGHT + 5 * hour, read_s=0)
    assert (logged.records, logged.begin) == (5, MIDNIGHT + 4 * hour)
    assert logged.traffic.hourly == (5.0,) * DAY_H


def test_a_short_log_and_one_that_is_off_say_what_to_do(tmp_path: Path) -> None:
    write(log(tmp_path), MIDNIGHT, ["a"])
    with pytest.raises(RolloutError, match="tells of the last 20 min only") as told:
        read_traffic(log(tmp_path), MIDNIGHT, MIDNIGHT + timedelta(minutes=20))
    assert "--requests-per-hour" in told.value.instead
    with pytest.raises(RolloutError, match="PREDICTION_LOG is `off`"):
        read_traffic(None, MIDNIGHT, MIDNIGHT)
    with pytest.raises(RolloutError, match="there is no prediction log in"):
        read_traffic(log(tmp_path / "nowhere"), MIDNIGHT, MIDNIGHT)


def test_of_too_many_people_a_part_is_kept_and_stands_for_all() -> None:
    tally = Tally(most=500)
    for begin in range(0, 8000, 400):
        people = [f"{number}" for number in range(begin, begin + 400)]
        tally.add(np.full(800, begin, dtype=np.int64), [*people, *people])
    tally.settle()
    assert len(tally.keys) <= 500
    assert len(tally.keys) * tally.people_each == pytest.approx(8000, rel=0.15)
