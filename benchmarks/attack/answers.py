"""Hostile answers to a rollout's controller: by HAProxy's admin socket, a Prometheus, and both tracks' instances."""

import random
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.attack.hostile_peers import ATTACKS, VERSIONS, Peers, Role, running
from benchmarks.attack.summary import Summary
from churn.judging.judge import judge
from churn.rollout.controller import Controller
from churn.rollout.parts import open_router, open_source
from churn.rollout.plan import Plan
from churn.rollout.recorder import Recorder
from churn.rollout.state import Event, Rollout, Setup, State
from churn.rollout.store import RolloutStore

SLOW_SHARE = 0.02  # each takes seconds
TURN_S = 20.0
UNFORESEEN = "a fault of this program"  # what the controller says of an answer that nobody foresaw
ASKED: dict[str, list[Role]] = {"instances": ["admin", "stable", "canary"], "Prometheus": ["admin", "prometheus"]}
FORWARD = {State.BAKING, State.FINISHING, State.PROMOTED}
# Nothing but a false figure reaches so many requests.
STEP = {"hold_hours": 0.0, "minimum_requests": 10**7, "maximum_hold_hours": 1000.0}
PLAN = Plan.model_validate({"window": "always", "step": [{"weight_percent": weight, **STEP} for weight in (10, 100)]})


def attack(count: int, seed: int, home: Path) -> Summary:
    """Have one of those whom the controller asks answer wrongly, in each of so many ticks."""
    draw, faults, slowest_s = random.Random(seed), Counter[str](), 0.0  # noqa: S311 - no secrets
    peers, promoted = Peers(draw), list[str]()
    with running(peers), closing(RolloutStore(home)) as store:
        setups = {name: _set_up(peers, prometheus=name == "Prometheus") for name in ASKED}
        for turn in range(count):
            name = draw.choice([*ASKED])
            role = draw.choice(ASKED[name])
            kind = "slow" if draw.random() < SLOW_SHARE else draw.choice([kind for kind in ATTACKS if kind != "slow"])
            peers.hostile = None
            controller = _open_controller(store, setups[name], promoted)
            if controller.rollout.state == State.STARTING:
                peers.share = 0
                controller.tick()
            before = _count_unforeseen(store, controller.rollout.number)
            peers.hostile, peers.attack, started = role, kind, time.monotonic()
            try:
                state = controller.tick().state
            except Exception as error:  # noqa: BLE001 - what is looked for
                faults[f"{kind} answer of {role} in turn {turn}: {error!r}"] += 1
                continue
            slowest_s = max(slowest_s, took_s := time.monotonic() - started)
            if state in FORWARD or promoted:
                faults[f"{kind} answer of {role} in turn {turn} led to {state}"] += 1
            if took_s > TURN_S:
                faults[f"{kind} answer of {role} in turn {turn} took {took_s:.0f} s"] += 1
            if _count_unforeseen(store, controller.rollout.number) > before:
                faults[f"{kind} answer of {role} in turn {turn} was not foreseen: {controller.rollout.reason}"] += 1
    if wrong := {*peers.weights_set} - {0, 10}:
        faults[f"shares {wrong} were set"] += 1
    figures = {"slowest_tick_s": round(slowest_s, 1), "tracebacks_and_promotions": float(sum(faults.values()))}
    return Summary("answers", count, tuple([*faults][:10]), figures)


def _set_up(peers: Peers, *, prometheus: bool = False) -> Setup:
    stable, canary = (f"http://{peers.addresses[role]}" for role in ("stable", "canary"))
    router = f"haproxy://{peers.addresses['admin']}"
    if prometheus:
        address = f"http://{peers.addresses['prometheus']}"
        return Setup(router, prometheus=address, stable=('track="stable"',), canary=('track="canary"',))
    return Setup(router, stable=(stable,), canary=(canary,))


def _open_controller(store: RolloutStore, setup: Setup, promoted: list[str]) -> Controller:
    """Return a controller of the rollout that is not over, or of a new one."""
    live = store.find_live("api")
    if live is None:
        now = time.time()
        new = Rollout(
            0, "api", VERSIONS["stable"], VERSIONS["canary"], PLAN, setup, State.STARTING, -1, 0, now, "began", now
        )
        live = store.begin(new, Event(now, "started", State.STARTING, -1, 0, "began"))
    return Controller(
        recorder=Recorder(live, store),
        router=open_router(setup.router),
        source=open_source(setup),
        judge=judge,
        closed_because=lambda _: None,
        promote=lambda rollout: promoted.append(rollout.canary),
    )


def _count_unforeseen(store: RolloutStore, number: int) -> int:
    return sum(event.times for event in store.list_events(number) if event.reason.startswith(UNFORESEEN))
