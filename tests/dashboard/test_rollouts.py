"""What the pages say of rollouts in every state, and that they say it of what is really in the store."""

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.watching import Open, words

from churn.dashboard.charts.rollout import draw_checks
from churn.dashboard.rollouts import Rollouts
from churn.dashboard.words import format_time
from churn.rollout.folding import SAMPLES
from churn.rollout.state import Event, State
from churn.rollout.store import RolloutStore
from demo.simulated_rollouts import SERVICE, Behaviour, Simulation, begin, carry_out

HOSTILE = "<script>alert(1)</script>\"'{{ 7 * 7 }}"


def set_state(home: Path, state: State, kind: str = "routing", reason: str = "for a reason") -> None:
    """The live rollout stands elsewhere, and says why."""
    with closing(RolloutStore(home)) as store:
        live = store.find_live(SERVICE)
        assert live is not None
        over = {State.PROMOTED, State.ROLLED_BACK, State.ABORTED}
        changed = replace(live, state=state, reason=reason, ended=live.since if state in over else None)
        store.save(changed, Event(live.looked_at or live.since, kind, state, live.step, live.weight_percent, reason))


def test_the_overview_shows_what_is_under_way_and_what_is_over(dashboard: Open, demo_home: Path) -> None:
    said = words(dashboard(demo_home).page())
    for expected in ("v2.3.1", "v2.4.0", "50 %", "Past rollouts", "rolled back", "promoted", "What to do"):
        assert expected in said


def test_without_rollouts_it_says_how_to_begin_one(dashboard: Open, tmp_path: Path) -> None:
    said = words(dashboard(tmp_path).page())
    assert "No rollout is under way" in said
    assert "churn rollout start" in said


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.STARTING, ["starting", "gets no requests yet", "See whether the canary's instances come up"]),
        (State.STEPPING, ["stepping", "is being given 50 %"]),
        (State.HOLDING, ["at 50 %", "All 10 checks are surely within", "goes on to 100 % by itself"]),
        (State.BAKING, ["baking", "all requests"]),
        (State.FINISHING, ["finishing", "being made the champion"]),
        (State.RETURNING, ["going back", "sent back to v2.3.1"]),
        (State.PROMOTED, ["promoted", "v2.4.0 is the champion", "v2.3.1 stays `previous`"]),
        (State.ROLLED_BACK, ["rolled back", "All requests are at v2.3.1 again", "Nothing is urgent"]),
        (State.ABORTED, ["aborted", "All requests are at v2.3.1 again", "churn rollout start"]),
    ],
)
def test_each_state_says_what_goes_on_and_what_to_do(
    dashboard: Open, own_home: Path, state: State, expected: list[str]
) -> None:
    set_state(own_home, state)
    with closing(RolloutStore(own_home)) as store, store.lock(SERVICE):
        said = words(dashboard(own_home).page("/rollouts/3"))
    for each in [*expected, "What to do"]:
        assert each in said


def test_the_page_says_how_many_subscribers_were_compared_where_any_should_be(dashboard: Open, own_home: Path) -> None:
    def show(**seen: object) -> str:
        with closing(RolloutStore(own_home)) as store:
            live = store.find_live(SERVICE)
            assert live is not None
            judged = [event for event in store.list_events(live.number) if event.kind == "judged"][-1]
            store.save(live, replace(judged, evidence={**judged.evidence, "seen": judged.evidence["seen"] | seen}))
        return words(dashboard(own_home).page("/rollouts/3"))

    assert "Subscribers compared 10,000 answered by both" in show()
    assert "Subscribers compared" not in show(pairs=None)
    assert "Subscribers compared 1,234 answered by both" in show(pairs={"subscribers": 1234, "parts": {}})
    assert "Subscribers compared none" in show(pairs=None, no_pairs="no salt")


def test_a_rollout_that_nobody_carries_out_is_said_to_be_so(dashboard: Open, demo_home: Path) -> None:
    said = words(dashboard(demo_home).page("/rollouts/3"))
    assert "no process carries the rollout out" in said
    assert "churn rollout resume" in said
    assert "abort, which needs no process" in said


def test_a_page_says_when_it_was_looked_last_in_which_zone_and_that_a_process_hangs(
    dashboard: Open, own_home: Path
) -> None:
    with closing(RolloutStore(own_home)) as store, store.lock(SERVICE):
        live = store.find_live(SERVICE)
        assert live is not None
        for ago_s, late in ((5, False), (3600, True)):
            looked_at = time.time() - ago_s
            store.save(replace(live, looked_at=looked_at))
            page = words(dashboard(own_home).page("/rollouts/3"))
            assert f"Last look {format_time(looked_at)}" in page
            assert ("Its process looked last" in page) == late
        store.save(replace(live, looked_at=None))
        assert "Last look at a time that is not known" in words(dashboard(own_home).page("/rollouts/3"))


def test_trouble_is_told_with_its_reason(dashboard: Open, own_home: Path) -> None:
    set_state(own_home, State.HOLDING, kind="trouble", reason="the router does not answer")
    with closing(RolloutStore(own_home)) as store, store.lock(SERVICE):
        said = words(dashboard(own_home).page("/rollouts/3"))
    assert "in trouble" in said
    assert "The router does not answer." in said


def test_every_check_has_a_drawing_its_reason_and_a_table(dashboard: Open, demo_home: Path) -> None:
    page = dashboard(demo_home).page("/rollouts/2")
    snapshot = Rollouts(demo_home).read_snapshot(2)
    assert snapshot.history.last is not None
    findings = snapshot.history.last.findings
    assert len(findings) == 10
    for number, found in enumerate(findings, 1):
        card = page.split(f'id="check-{number}"')[1].split("</article>")[0]
        assert "<svg" in card
        assert f'id="table-check-{number}"' in card
        assert {"within": "within", "unsure": "not yet sure", "outside": "outside"}[found.standing] in words(card)
    assert any(found.standing == "outside" for found in findings)


def test_figures_are_those_of_the_store(dashboard: Open, demo_home: Path) -> None:
    last = Rollouts(demo_home).read_snapshot(3).history.last
    assert last is not None
    said = words(dashboard(demo_home).page("/rollouts/3"))
    assert f"{last.canary.requests:,}" in said
    assert f"{last.stable.requests:,}" in said


def test_what_happens_meanwhile_is_on_the_next_page(dashboard: Open, tmp_path: Path) -> None:
    world = Simulation(1_790_000_000.0, Behaviour())
    with closing(RolloutStore(tmp_path)) as store:
        begin(store, world, "v1", "v2")
        open_dashboard = dashboard(tmp_path)
        assert "not judged yet" not in words(open_dashboard.page("/rollouts/1"))
        carry_out(store, world, hours=3, tick_s=3600)
    said = words(open_dashboard.page("/rollouts/1"))
    assert "Share changed the canary gets 10 %" in said.replace(" 10 % the", " the")
    assert "Checks" in said


def test_a_canary_without_requests_is_shown_without_figures(dashboard: Open, tmp_path: Path) -> None:
    world = Simulation(1_790_000_000.0, Behaviour(), requests_per_hour=0)
    with closing(RolloutStore(tmp_path)) as store, store.lock(SERVICE):
        begin(store, world, "v1", "v2")
        carry_out(store, world, hours=2, tick_s=3600)
        said = words(dashboard(tmp_path).page("/rollouts/1"))
    assert "has not answered a request yet" in said
    assert "See whether metrics arrive" in said


def test_a_month_of_trouble_makes_a_page_no_larger_than_twice_that_of_a_hundred_looks(
    dashboard: Open, tmp_path: Path
) -> None:
    sizes = {}
    month_s, minutes_s = 30 * 86_400, 240
    for name, looks, lasts_s in (("minutes", 50, minutes_s), ("hundred", 50, month_s), ("month", 500, month_s)):
        world = Simulation(1_790_000_000.0, Behaviour())
        with closing(RolloutStore(tmp_path / name)) as store:
            live = begin(store, world, "v1", "v2")
            live = carry_out(store, world, hours=3, tick_s=120)
            judged = [event for event in store.list_events(live.number) if event.kind == "judged"]
            for look in range(looks):
                at = world.now + look * lasts_s / looks
                trouble = f"Prometheus does not answer: {'refused' if look % 2 else 'timed out'}, port {40_000 + look}"
                store.save(live, Event(at, "trouble", live.state, live.step, live.weight_percent, trouble))
                old, event = f"the newest counts are {look} s old", replace(judged[-1], at=at, reason=f"hold {look}")
                quiet = replace(event, evidence={"verdict": {"reason": old, "findings": []}})
                store.save(live, event if look % 2 else quiet)
            assert len(store.list_events(live.number)) < 250
        sizes[name] = len(dashboard(tmp_path / name).page("/rollouts/1"))
        history = Rollouts(tmp_path / name).read_snapshot(1).history
        assert len(history.merged_events()) < 20
        assert sum(event.times for event in history.merged_events()) > 2 * looks
        assert len(history.observations) <= SAMPLES + 2 * len(live.plan.steps)
    assert sizes["month"] < 2 * min(sizes["minutes"], sizes["hundred"])


def test_checks_are_drawn_once_until_there_is_another_look(own_home: Path) -> None:
    rollouts = Rollouts(own_home)
    first = draw_checks(rollouts.read_snapshot(3).history.observations)
    set_state(own_home, State.HOLDING, kind="trouble", reason="the router does not answer")
    again = rollouts.read_snapshot(3).history
    assert again.trouble is not None
    assert draw_checks(again.observations) is first
    with closing(RolloutStore(own_home)) as store:
        judged = [event for event in store.list_events(3) if event.kind == "judged"][-1]
        live = store.get_rollout(3)
        store.save(live, replace(judged, at=judged.at + 900_000))
    assert draw_checks(rollouts.read_snapshot(3).history.observations) is not first


def test_an_event_that_repeated_says_how_often_and_since_when(dashboard: Open, own_home: Path) -> None:
    for _ in range(3):
        set_state(own_home, State.HOLDING, kind="trouble", reason="the router does not answer")
    assert "(3 times since" in words(dashboard(own_home).page("/rollouts/3"))


def test_hostile_text_stays_text(dashboard: Open, tmp_path: Path) -> None:
    world = Simulation(1_790_000_000.0, Behaviour())
    with closing(RolloutStore(tmp_path)) as store:
        begin(store, world, HOSTILE, HOSTILE)
        live = carry_out(store, world, hours=2, tick_s=3600)
        store.save(live, Event(world.now, HOSTILE, live.state, 0, 10, HOSTILE, evidence={"verdict": HOSTILE}))
        finding = {"check": HOSTILE, "reason": HOSTILE, "low": 0.0, "high": 0.1, "tolerance": 0.2, "effect": 0.0}
        hostile = {"verdict": {"decision": "hold", "reason": HOSTILE, "findings": [finding]}, "seen": {}}
        store.save(live, Event(world.now + 9, "judged", live.state, 0, 10, HOSTILE, "hold", hostile))
    looked = dashboard(tmp_path)
    for path in ("/", "/rollouts/1", "/rollouts/1/report.html"):
        page = looked.page(path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "{{ 7 * 7 }}" in page


def test_evidence_of_another_version_of_the_judge_is_shown_as_far_as_it_goes(dashboard: Open, tmp_path: Path) -> None:
    world = Simulation(1_790_000_000.0, Behaviour())
    with closing(RolloutStore(tmp_path)) as store:
        live = begin(store, world, "v1", "v2")
        odd = {
            "verdict": {"findings": [{"check": "new", "low": "x", "more": 1}]},
            "seen": {"stable": {"requests": "?"}},
        }
        store.save(live, Event(world.now, "judged", live.state, 0, 10, "because", "hold", odd))
    assert "because" in words(dashboard(tmp_path).page("/rollouts/1"))


def test_a_page_that_is_not_there_is_a_page_too(dashboard: Open, demo_home: Path) -> None:
    for path in ("/rollouts/99", "/rollouts/x", "/nowhere", "/rollouts/99/report.html", "/static/nowhere.css"):
        answer = dashboard(demo_home).get(path)
        assert answer.status_code == 404, path
    assert "There is no such page" in dashboard(demo_home).get("/rollouts/99").text


def test_a_page_that_has_not_changed_is_not_sent_again(dashboard: Open, demo_home: Path) -> None:
    looked = dashboard(demo_home)
    tag = looked.get("/rollouts/1").headers["etag"]
    again = looked.get("/rollouts/1", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_store_that_cannot_be_used_is_one_sentence(dashboard: Open, tmp_path: Path) -> None:
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "rollouts" / "rollouts.db").write_bytes(b"not a database" * 100)
    answer = dashboard(tmp_path).get("/")
    assert answer.status_code == 500
    assert "rollouts.db cannot be used" in answer.text
