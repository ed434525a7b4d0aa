"""From what a rollout's record names to the parts that carry it out."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import FrameType
from typing import Any

from churn.businesses import find_contract
from churn.cli.rollout_words import teller
from churn.cli.show import say
from churn.cli.training import open_registry
from churn.errors import GateError, RolloutError, SettingsError
from churn.judging.judge import judge
from churn.model.shelf import CHAMPION
from churn.rollout.controller import Controller
from churn.rollout.fleets.fleet import Fleet, fleet_at
from churn.rollout.plan import Plan
from churn.rollout.record import Rollout
from churn.rollout.routers.router import TRACKS, Router, router_at
from churn.rollout.sources import Discovered, Instances, Prometheus, Source
from churn.rollout.store import Store
from churn.settings import Settings

# ruff: noqa: PLC0415 - MLflow takes seconds to import, and not every rollout needs it

COMMAND_S = 300
EVERY_S = 0.5
OBEYED_S = 15.0


def controller_of(rollout: Rollout, store: Store, settings: Settings) -> Controller:
    """The controller of a rollout, by what its record says of where everything is."""
    return Controller(
        rollout,
        store=store,
        router=router_of(rollout.where),
        source=source_of(rollout.where),
        judge=judge,
        closed_because=window_of(rollout.plan, settings),
        promote=lambda finished: make_champion(finished, settings),
        fleet=fleet_of(rollout.where),
    )


def carry_out(hands: Controller, store: Store, *, as_json: bool) -> Rollout:
    """Ticks until the rollout is over, or until this process is told to stop."""
    stop = threading.Event()

    def told_to_stop(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told_to_stop)
    rollout = hands.run(stop, after_tick=teller(store, hands.rollout.number, as_json=as_json))
    if not rollout.over:
        say(f"stopped; the canary keeps its {rollout.weight_percent} %. Go on with: churn rollout resume")
    return rollout


def obey_if_nobody_else_does(store: Store, rollout: Rollout, settings: Settings) -> None:
    """Carry out the command that is recorded, unless another process controls the rollout."""
    with ExitStack() as held:
        try:
            held.enter_context(store.controlling(rollout.service))
        except RolloutError:
            return
        hands = controller_of(store.rollout(rollout.number), store, settings)
        until = time.monotonic() + OBEYED_S
        while not hands.tick().over and time.monotonic() < until:
            time.sleep(EVERY_S)


def router_of(where: Mapping[str, Any]) -> Router:
    """What splits the requests."""
    return router_at(where["router"])


def fleet_of(where: Mapping[str, Any]) -> Fleet | None:
    """What starts and stops tasks, if the rollout does."""
    return fleet_at(where["fleet"]) if where.get("fleet") else None


def source_of(where: Mapping[str, Any]) -> Source:
    """Where the counts are read."""
    if where.get("fleet") and not (where["stable"] or where["canary"]):
        return Discovered(fleet_at(where["fleet"]).addresses)
    if where["prometheus"]:
        (stable,), (canary,) = where["stable"], where["canary"]
        return Prometheus(where["prometheus"], {"stable": stable, "canary": canary})
    return Instances({"stable": where["stable"], "canary": where["canary"]})


def window_of(plan: Plan, settings: Settings) -> Callable[[datetime], str | None]:
    """Why no step forward may be made at a moment; None if one may."""
    if plan.window == "always":
        return lambda _: None
    from churn.release.window import release_window

    return release_window(
        days=settings.release_days,
        hours=settings.release_hours,
        time_zone=settings.release_time_zone,
        free=settings.release_holidays,
    ).closed_because


def require_places(where: dict[str, Any]) -> None:
    """Refuses what could not be read later.

    Raises:
        SettingsError: a track is missing, or is no address.
    """
    if where["fleet"] and not any(where[track] for track in TRACKS):
        return  # it knows where its tasks are
    for track in TRACKS:
        places = where[track]
        if not places:
            raise SettingsError(
                f"--{track} is missing", instead=f"give --{track} http://HOST:PORT, or --prometheus URL"
            )
        if where["prometheus"] and len(places) > 1:
            raise SettingsError(f"--{track} is given more than once", instead="one selector selects all its instances")
        if not where["prometheus"] and (wrong := [each for each in places if not re.match("https?://", each)]):
            raise SettingsError(f"--{track} {wrong[0]} is no address", instead="give http://HOST:PORT")


def require_versions(where: dict[str, Any], version: str) -> str:
    """The stable version, as its instances say.

    Raises:
        RolloutError: an instance does not answer, or the canary serves another version than the one that is named.
    """
    readings = source_of(where).read()
    for track, reading in readings.items():
        if reading.missing or not reading.counts:
            places = ", ".join(reading.missing or where[track]) or "no task of it runs"
            raise RolloutError(f"the {track}'s figures cannot be read: {places}", instead="start it, or correct it")
    found = readings["canary"].versions
    if found != {version}:
        raise RolloutError(
            f"the canary serves {', '.join(sorted(found)) or 'nobody knows what'}, not {version}",
            instead="start the version that is to be rolled out as the canary",
        )
    return ", ".join(sorted(readings["stable"].versions))


def require_gates(version: str, contract: str, settings: Settings) -> None:
    """Refuses a version that the registry does not have, or that fails a release gate.

    Raises:
        RegistryError: there is no such version.
        GateError: a gate fails, and it was not promoted past it.
    """
    from churn.training.promotion import judge as judge_version

    info, gates = judge_version(open_registry(settings), find_contract(contract), version)
    if CHAMPION in info.aliases:
        raise GateError(f"{version} is champion already", instead="roll out another version: churn models")
    if failed := [f"{gate.name}: {gate.reason}" for gate in gates if not gate.passed]:
        raise GateError(
            f"{version} is not rolled out: {'; '.join(failed)}", instead="train a better version, or roll out another"
        )


def make_champion(rollout: Rollout, settings: Settings) -> None:
    """What follows the last bake: alias, links, and the command that takes the old version down. All may be done twice.

    Raises:
        RegistryError: the registry cannot be reached or has lost the version.
        RolloutError: the command failed.
    """
    contract = rollout.where["contract"]
    if rollout.where["registry"]:
        from churn.training.promotion import find_version

        registry = open_registry(settings)
        registry.promote(
            find_version(registry, find_contract(contract), rollout.canary), {"rollout": str(rollout.number)}
        )
    settings.shelf(contract).move_champion(rollout.canary)
    if command := rollout.where["on_promoted"]:
        _run(command, rollout)


def _run(command: str, rollout: Rollout) -> None:
    own = {"ROLLOUT_SERVICE": rollout.service, "STABLE_VERSION": rollout.stable, "CANARY_VERSION": rollout.canary}
    try:
        done = subprocess.run(  # noqa: S603 - whoever starts a rollout says what ends it
            shlex.split(command), env=os.environ | own, capture_output=True, text=True, timeout=COMMAND_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RolloutError(f"{command} cannot be run: {error}", instead="mend it; it is tried again") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise RolloutError(f"{command} ended with {done.returncode}: {' '.join(said)}", instead="it is tried again")
