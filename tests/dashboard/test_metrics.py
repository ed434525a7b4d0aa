"""What Prometheus is told of rollouts, also of those that nobody controls."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.rollouts import plan
from support.watching import Open

from churn.rollout.metrics import METRICS
from churn.rollout.samples import read_samples
from churn.rollout.state import Event, Rollout, Setup, State
from churn.rollout.store import RolloutStore
from demo.simulated_rollouts import SERVICE


def read_metrics(dashboard: Open, home: Path, **labels: str) -> dict[str, float]:
    """The samples that have these labels, by name."""
    text = dashboard(home).page("/metrics")
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: sample.value for sample in samples if labels.items() <= sample.labels.items()}


def begin(store: RolloutStore, service: str, *, at: float = 100.0) -> Rollout:
    rollout = Rollout(0, service, "v1", "v2", plan(), Setup("haproxy:x"), State.HOLDING, 0, 10, at, "", at)
    return store.begin(rollout, Event(at, "started", State.HOLDING, 0, 10, ""))


def test_a_rollout_that_nobody_controls_is_told_with_its_last_look(dashboard: Open, demo_home: Path) -> None:
    with closing(RolloutStore(demo_home)) as store:
        live = store.find_live(SERVICE)
    assert live is not None
    told = read_metrics(dashboard, demo_home, service=SERVICE)
    assert told["churn_rollout_controlled"] == 0
    assert told["churn_rollout_last_look_timestamp_seconds"] == pytest.approx(live.looked_at)
    assert told["churn_rollout_late_after_seconds"] == 3 * live.plan.tick_seconds + 15
    assert told["churn_rollout_canary_percent"] == live.weight_percent
    assert told["churn_rollout_trouble"] == 0
    assert "churn_rollout_ended_timestamp_seconds" not in told
    assert read_metrics(dashboard, demo_home, state=str(live.state))["churn_rollout_state"] == 1
    assert read_metrics(dashboard, demo_home, state="rolled back")["churn_rollout_state"] == 0
    info = read_metrics(dashboard, demo_home, number="3", stable=live.stable, canary=live.canary)
    assert info["churn_rollout_info"] == 1


def test_a_living_controller_and_its_trouble_are_told(dashboard: Open, own_home: Path) -> None:
    with closing(RolloutStore(own_home)) as store, store.lock(SERVICE):
        live = store.find_live(SERVICE)
        assert live is not None
        looked_at = live.since + 100
        trouble = Event(looked_at, "trouble", live.state, live.step, live.weight_percent, "no answer")
        store.save(replace(live, looked_at=looked_at), trouble)
        told = read_metrics(dashboard, own_home, service=SERVICE)
        assert (told["churn_rollout_controlled"], told["churn_rollout_trouble"]) == (1, 1)
        assert "churn_rollout_clock_jump_timestamp_seconds" not in told
        store.save(replace(live, looked_at=looked_at + 15, clock_jumped_at=looked_at + 10))
        told = read_metrics(dashboard, own_home, service=SERVICE)
        assert told["churn_rollout_trouble"] == 0
        assert told["churn_rollout_clock_jump_timestamp_seconds"] == pytest.approx(looked_at + 10)


@pytest.mark.parametrize("state", [State.ROLLED_BACK, State.ABORTED, State.PROMOTED])
def test_how_and_when_a_rollout_ended_is_told_and_no_more(dashboard: Open, own_home: Path, state: State) -> None:
    with closing(RolloutStore(own_home)) as store:
        live = store.find_live(SERVICE)
        assert live is not None
        store.save(replace(live, state=state, ended=1234.5))
    told = read_metrics(dashboard, own_home, service=SERVICE, state=str(state))
    assert told == {"churn_rollout_state": 1, "churn_rollout_ended_timestamp_seconds": 1234.5}
    assert set(read_metrics(dashboard, own_home, service=SERVICE)) == {
        "churn_rollout_state",
        "churn_rollout_info",
        "churn_rollout_ended_timestamp_seconds",
    }


def test_without_rollouts_all_metrics_are_there_without_samples(dashboard: Open, tmp_path: Path) -> None:
    families = list(text_string_to_metric_families(dashboard(tmp_path).page("/metrics")))
    assert [family.name for family in families] == [metric.name for metric in METRICS]
    assert [sample for family in families for sample in family.samples] == []


def test_a_store_that_cannot_be_read_is_no_answer(dashboard: Open, tmp_path: Path) -> None:
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "rollouts" / "rollouts.db").write_bytes(b"no database" * 100)
    assert dashboard(tmp_path).get("/metrics").status_code == 500


def test_the_latest_rollouts_of_all_services_cost_the_same_however_many_there_were(tmp_path: Path) -> None:
    with closing(RolloutStore(tmp_path)) as store:

        def count_steps() -> int:
            """The hundreds of instructions that SQLite takes for a scrape."""
            steps = 0

            def count() -> None:
                nonlocal steps
                steps += 1

            store._connection.set_progress_handler(count, 100)  # noqa: SLF001 - nothing else counts them
            assert [rollout.service for rollout in store.list_latest()] == ["a", "b", "c"]
            read_samples(store)
            store._connection.set_progress_handler(None, 0)  # noqa: SLF001
            return steps

        for service in ("b", "c", "a"):
            begin(store, service)
        few = count_steps()
        for at in range(300):
            for service in ("a", "b", "c"):
                live = store.find_live(service)
                assert live is not None
                store.save(replace(live, state=State.PROMOTED, ended=200.0 + at))
                begin(store, service, at=300.0 + at)
        assert count_steps() <= 2 * few
        assert [rollout.began for rollout in store.list_latest()] == [599.0] * 3
