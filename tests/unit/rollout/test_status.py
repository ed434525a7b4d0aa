"""What is shown as the state is the state: router and instances are asked, and what is not known is said."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.rollouts import SERVICE, V1, V2, V3, KnownEvidence, World, begin, build_controller

from churn.errors import ExitCode
from churn.judging.pairs import PairCounts
from churn.rollout.paired import Evidence
from churn.rollout.routers.router import Track
from churn.rollout.state import Reading, State
from churn.rollout.status import Status, ask_status
from churn.rollout.store import RolloutStore


class Partly(World):
    """A world of which single instances are dead."""

    dead: tuple[str, ...] = ()

    def reading_of(self, track: Track) -> Reading:
        reading = super().reading_of(track)
        left = {name: counts for name, counts in reading.counts.items() if name not in self.dead}
        return replace(reading, counts=left, missing=tuple(name for name in reading.counts if name in self.dead))


@pytest.fixture
def world(tmp_path: Path) -> Partly:
    return Partly(tmp_path, served={"stable": [V1], "canary": [V2, V2]}, verdict="hold")


@pytest.fixture
def store(world: Partly) -> Iterator[RolloutStore]:
    store = RolloutStore(world.home)
    begin(world, store)
    build_controller(world, store).tick()
    yield store
    store.close()


def ask(world: World, store: RolloutStore, *, controlled: bool = True) -> Status:
    (rollout,) = store.list_rollouts(SERVICE)
    return ask_status(
        rollout,
        store.list_events(1),
        now=world.now,
        controlled=controlled,
        open_router=lambda: world,
        open_source=lambda: world,
    )


def test_nothing_is_wrong(world: Partly, store: RolloutStore) -> None:
    status = ask(world, store)
    assert (status.exit_code, status.list_problems()) == (ExitCode.DONE, [])
    assert status.summarize()["looked_at"] == "1970-01-12T13:46:40.000+00:00"


def test_it_says_how_many_subscribers_were_compared_or_why_none(world: Partly, store: RolloutStore) -> None:
    assert ask(world, store).no_pairs == "the canary was not judged yet"
    evidence = KnownEvidence(Evidence(None, "no salt; set one"))
    controller = build_controller(world, store)
    controller.evidence = evidence
    controller.tick()
    status = ask(world, store)
    assert (status.subscribers_compared, status.no_pairs) == (None, "no salt; set one")
    evidence.evidence = Evidence(PairCounts(1234))
    controller.tick()
    summary = ask(world, store).summarize()
    assert (summary["subscribers_compared"], summary["no_pairs"]) == (1234, "")


def test_that_nobody_controls_has_an_exit_code_and_says_that_one_can_abort(world: Partly, store: RolloutStore) -> None:
    status = ask(world, store, controlled=False)
    (problem,) = status.list_problems()
    assert status.exit_code == ExitCode.NOT_OVER
    assert "nobody controls" in problem.what
    assert "churn rollout resume" in problem.instead
    assert "needs no controller: churn rollout abort" in problem.instead


def _kill_canary(world: Partly) -> None:
    world.dead = ("canary-1", "canary-2")
    world.up.remove("canary")


def _turn(world: Partly) -> None:
    world.served = {"stable": [V1], "canary": [V2, V3]}


WRONG: Mapping[str, tuple[Callable[[Partly], object], list[str]]] = {
    "the canary is dead": (
        _kill_canary,
        ["finds the canary down", "canary-1 does not answer", "canary-2 does not answer"],
    ),
    "an instance is dead": (lambda world: setattr(world, "dead", ("stable-1",)), ["stable: stable-1 does not answer"]),
    "the router is away": (
        lambda world: setattr(world, "reachable", False),
        ["the router does not answer"],
    ),
    "the figures are away": (lambda world: setattr(world, "seeing", False), ["the instances: nothing is seen"]),
    "the share differs": (
        lambda world: setattr(world, "share", 37.0),
        ["gives the canary 37 %"],
    ),
    "an instance serves something else": (_turn, ["canary: canary-2 serves v3"]),
    "the controller hangs": (lambda world: setattr(world, "now", world.now + 3600), ["has not looked for 1 h"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_or_not_known_is_never_shown_as_fine(world: Partly, store: RolloutStore, name: str) -> None:
    happens, expected = WRONG[name]
    happens(world)
    for controlled in (True, False):
        status = ask(world, store, controlled=controlled)
        assert status.exit_code == (ExitCode.ROLLOUT_TROUBLE if controlled or name != "the controller hangs" else 9)
        said = [problem.what for problem in status.list_problems()]
        if controlled:
            assert len(said) == len(expected)
            assert all(text in what for text, what in zip(expected, said, strict=True))
        assert all(problem.instead for problem in status.list_problems())


def test_trouble_of_the_last_look_is_shown_until_a_look_without_it(world: Partly, store: RolloutStore) -> None:
    controller = build_controller(world, store)
    world.seeing = False
    controller.tick()
    world.seeing = True
    assert [problem.what for problem in ask(world, store).list_problems()] == ["at the last look: nothing is seen"]
    world.passes(15)
    controller.tick()
    assert ask(world, store).list_problems() == []


@pytest.mark.parametrize(("state", "code"), [(State.PROMOTED, 0), (State.ROLLED_BACK, 10), (State.ABORTED, 10)])
def test_of_a_rollout_that_is_over_nobody_is_asked(world: Partly, store: RolloutStore, state: State, code: int) -> None:
    live = store.find_live(SERVICE)
    assert live is not None
    store.save(replace(live, state=state, ended=world.now))
    world.reachable = world.seeing = False
    asked = world.done
    status = ask(world, store, controlled=False)
    assert world.done == asked
    assert (status.exit_code, status.list_problems()) == (code, [])
