"""Rollouts that an earlier version recorded are read, and go on where they stood."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.earlier import EARLIER, earlier_json
from support.rollouts import World, build_controller

from churn.judging.counts_file import read_judge_input
from churn.rollout.plan import read_plan
from churn.rollout.state import Setup, State
from churn.rollout.store import RolloutStore
from churn.web.database import locate_copy

SERVICE = "streamflow-churn-api"


@pytest.fixture
def store(own_home: Path) -> Iterator[RolloutStore]:
    store = RolloutStore(own_home)
    yield store
    store.close()


def test_the_store_gives_each_rollout_as_it_stood(store: RolloutStore) -> None:
    assert store.list_services() == ["another-service", SERVICE]
    assert [(each.number, each.state, each.step, each.weight_percent) for each in store.list_rollouts(SERVICE)] == [
        (4, State.HOLDING, 1, 50),
        (3, State.ABORTED, 0, 0),
        (2, State.ROLLED_BACK, 0, 0),
        (1, State.PROMOTED, 2, 100),
    ]
    live, other = store.find_live(SERVICE), store.find_live("another-service")
    assert live is not None
    assert other is not None
    assert (live.number, live.stable, live.canary, live.ended) == (4, "v0.0.1", "v0.0.2", None)
    assert live.setup == Setup("haproxy")
    assert (other.number, other.state) == (5, State.STARTING)
    assert store.get_rollout(3).setup.override == "a security fix"


def test_the_tallies_of_a_rollout_that_is_not_over_are_whole(store: RolloutStore) -> None:
    live = store.get_rollout(4)
    evidence = store.list_events(4)[-1].evidence["seen"]
    for track in ("stable", "canary"):
        total = live.counts[track].total
        assert total.requests == evidence[track]["requests"] > 0
        assert list(total.latency) == evidence[track]["latency"]
        assert dict(total.top_sets) == evidence[track]["top_sets"]


def test_the_file_gets_the_columns_of_today_and_a_copy_of_the_earlier_one_stays(store: RolloutStore) -> None:
    copy = locate_copy(store.path)
    columns = []
    for path in (copy, store.path):
        with closing(sqlite3.connect(path)) as connection:
            columns.append([row[1] for row in connection.execute("PRAGMA table_info(event)")])
            assert connection.execute("SELECT count(*) FROM rollout").fetchone() == (5,)
    assert ("times" in columns[0], "times" in columns[1]) == (False, True)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_event_is_read(store: RolloutStore, number: int) -> None:
    expected = earlier_json(f"expected/rollout_{number}.json")["happenings"]
    later = [{"times": 1, "last_at": each["at"]} for each in expected]
    assert [each.summarize() for each in store.list_events(number)] == [
        {**each, **added} for each, added in zip(expected, later, strict=True)
    ]


def test_the_plan_is_the_same_in_the_file_and_in_the_store(store: RolloutStore) -> None:
    plan = read_plan(EARLIER / "plan.toml")
    assert [(step.weight_percent, step.minimum_requests) for step in plan.steps] == [(10, 500), (50, 500), (100, 500)]
    assert (plan.hold_s(0), plan.maximum_hold_s(0)) == (3600.0, 172_800.0)
    assert (plan.tick_seconds, plan.stale_after_seconds, plan.false_rollback) == (15, 60, 0.02)
    assert (plan.window, plan.without_evidence, plan.time_scale) == ("always", "hold", 2)
    assert dict(plan.tolerances) == {"error share": 0.05, "latency": 0.3, "top-3 reasons": 0.2}
    assert store.get_rollout(4).plan == plan


def test_a_rollout_goes_on_where_it_stood_and_the_command_to_abort_is_taken_first(
    store: RolloutStore, own_home: Path
) -> None:
    live = store.get_rollout(4)
    asked = store.find_command(4)
    assert asked is not None
    assert (asked.what, asked.reason) == ("abort", "stop it; by somebody")
    world = World(own_home, now=live.since + 600, share=live.weight_percent, verdict="hold")
    world.counts = {track: counts.last[f"{track}-1"].requests for track, counts in live.counts.items()}
    ended = build_controller(world, store, live).tick()
    assert (ended.state, world.share) == (State.ABORTED, 0)


def test_a_file_of_counts_is_read(store: RolloutStore) -> None:
    counts = read_judge_input(EARLIER / "counts.json")
    assert (counts.weight, counts.canary_up, counts.gap) == (50, True, False)
    assert counts.canary.requests == store.get_rollout(4).counts["canary"].total.requests
