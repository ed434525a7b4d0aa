"""What the commands of a rollout do: check before the start, carry out, obey a command, promote at the end."""

import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

from churn.businesses import find_contract
from churn.cli.notify import open_announcer
from churn.cli.rollout_words import make_event_printer
from churn.cli.show import say
from churn.cli.training import open_registry
from churn.errors import ChurnError, GateError, RolloutError, SettingsError
from churn.judging.counts import Counts
from churn.judging.judge import judge
from churn.model.shelf import CHAMPION
from churn.rollout.announcing import build_notice
from churn.rollout.controller import POLL_S, Controller
from churn.rollout.evidence import LogEvidence
from churn.rollout.parts import open_fleet, open_router, open_source
from churn.rollout.plan import Plan
from churn.rollout.recorder import Recorder
from churn.rollout.routers.router import BASELINE, Track
from churn.rollout.served import describe_bundle
from churn.rollout.shapes import require_common_shape
from churn.rollout.state import Bundle, Rollout, Setup
from churn.rollout.store import RolloutStore
from churn.service.startup import find_log_places
from churn.settings import Settings

# ruff: noqa: PLC0415 - MLflow takes seconds to import, and not every rollout needs it

ON_PROMOTED_TIMEOUT_S = 300
OBEY_TIMEOUT_S = 15.0  # the tick of another process may take that long


def build_controller(rollout: Rollout, store: RolloutStore, settings: Settings) -> Controller:
    """Build the controller of a rollout from its setup."""
    setup, events = rollout.setup, store.list_events_in_short(rollout.number)
    has_baseline = rollout.plan.has_baseline
    steps = {event.step: event.at for event in events if event.kind == "stepped"}
    return Controller(
        recorder=Recorder(rollout, store),
        router=open_router(setup.router, has_baseline=has_baseline),
        source=open_source(setup, settings.reveal_api_key(), has_baseline=has_baseline),
        judge=judge,
        closed_because=build_window(rollout.plan, settings),
        promote=lambda finished: promote(finished, settings),
        fleet=open_fleet(setup.fleet, has_baseline=has_baseline) if setup.fleet else None,
        evidence=open_evidence(setup, settings, events[0].at, steps) if rollout.plan.model_checks else None,
    )


def open_evidence(
    setup: Setup, settings: Settings, began: float | None = None, steps: Mapping[int, float] | None = None
) -> LogEvidence:
    """Open what reads evidence from the prediction log.

    Args:
        began, steps: when the rollout began, and each of its steps so far.
    """
    contract = setup.contract or settings.churn_contract
    return LogEvidence(
        places=find_log_places(settings, contract),
        shelf=settings.shelf(contract),
        bundle_keys=settings.bundle_keys,
        threshold=settings.churn_threshold,
        began=began,
        steps=dict(steps or {}),
    )


def carry_out(rollout: Rollout, store: RolloutStore, settings: Settings, *, as_json: bool) -> Rollout:
    """Tick until the rollout is over, or until this process gets a signal to stop."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print_events = make_event_printer(store, rollout.number, as_json=as_json)
    with open_announcer(settings) as announcer:

        def report(now: Rollout) -> None:
            print_events(now)
            if notice := build_notice(now, time.time()):
                announcer.announce(notice)

        rollout = build_controller(rollout, store, settings).run(stop, after_tick=report)
    if not rollout.is_over:
        say(f"stopped; the canary keeps its {rollout.weight_percent} %. Go on with: churn rollout resume")
    return rollout


def obey_if_uncontrolled(store: RolloutStore, rollout: Rollout, settings: Settings) -> None:
    """Carry out the command that is recorded, unless another process controls the rollout and does it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(store.lock(rollout.service))
        except RolloutError:
            return
        controller = build_controller(store.get_rollout(rollout.number), store, settings)
        until = time.monotonic() + OBEY_TIMEOUT_S
        while not controller.tick().is_over and time.monotonic() < until:
            time.sleep(POLL_S)


def wait_until(holds: Callable[[Rollout], bool], store: RolloutStore, number: int) -> Rollout:
    """Wait until another process has carried a command out, or for so long as that may take."""
    until = time.monotonic() + OBEY_TIMEOUT_S
    while not holds(rollout := store.get_rollout(number)) and time.monotonic() < until:
        time.sleep(POLL_S / 5)
    return rollout


def watch_until_over(store: RolloutStore, number: int, *, as_json: bool) -> Rollout:
    """Print the events of a rollout as they come."""
    print_events = make_event_printer(store, number, as_json=as_json)
    while not (rollout := store.get_rollout(number)).is_over:
        print_events(rollout)
        time.sleep(POLL_S)
    print_events(rollout)
    return rollout


def build_window(plan: Plan, settings: Settings) -> Callable[[datetime], str | None]:
    """Return a function that says why no step may be taken at a time; None if one may."""
    if plan.window == "always":
        return lambda _: None
    from churn.release.window import read_release_window

    return read_release_window(settings).closed_because


def require_window(plan: Plan, settings: Settings, overridden: str | None) -> str | None:
    """Refuse to start while no step may be taken, unless that is overridden. Return why none may."""
    closed = build_window(plan, settings)(datetime.now(UTC))
    if closed and not overridden:
        raise GateError(
            f"no rollout is started now: {closed}",
            instead="wait for the release window, or give --override --reason TEXT, which is recorded",
        )
    return closed


def require_places(setup: Setup) -> None:
    """Refuse a setup whose counts could not be read: a track is missing, or is no address."""
    if setup.fleet and not any(setup.places.values()):
        return  # the fleet knows its tasks
    for track, places in setup.places.items():
        if not places:
            raise SettingsError(
                f"--{track} is missing", instead=f"give --{track} http://HOST:PORT, or --prometheus URL"
            )
        if setup.prometheus and len(places) > 1:
            raise SettingsError(f"--{track} is given more than once", instead="one selector selects all its instances")
        if not setup.prometheus and (wrong := [place for place in places if not re.match("https?://", place)]):
            raise SettingsError(f"--{track} {wrong[0]} is no address", instead="give http://HOST:PORT")


def require_versions(setup: Setup, version: str, api_key: str | None = None) -> Mapping[Track, Bundle]:
    """Return what each track serves, as its instances say.

    Raises:
        RolloutError: an instance does not answer, the instances of a track differ, the canary serves another version
            than the named one, the baseline another bundle than stable, or the canary would refuse what stable takes.
    """
    served: dict[Track, Bundle] = {}
    source = open_source(setup, api_key)
    for track, reading in source.read().items():
        if track == BASELINE and setup.fleet:
            continue  # its tasks are started with the rollout
        if reading.missing or not reading.counts:
            places = ", ".join(reading.missing or setup.places[track]) or "no task of it runs"
            raise RolloutError(
                f"the {track}'s figures cannot be read: {places}",
                instead="start it, correct it, or set CHURN_API_KEY to a key with the scope metrics if it asks for one",
            )
        bundles = {reading.served[instance] for instance in reading.counts}
        versions = " and ".join(sorted({bundle.version or "nobody knows what" for bundle in bundles}))
        if track == "canary" and versions != version:
            raise RolloutError(
                f"the canary serves {versions}, not {version}", instead="start that version as the canary"
            )
        if len(bundles) > 1 or not next(iter(bundles)).version:
            named = " and ".join(sorted(map(describe_bundle, bundles)))
            raise RolloutError(f"the {track} serves {named}", instead="have all its instances serve one version")
        served[track] = bundles.pop()
    if BASELINE in served and served[BASELINE] != served["stable"]:
        raise RolloutError(
            f"the baseline serves {describe_bundle(served[BASELINE])}, and stable {describe_bundle(served['stable'])}",
            instead="start the live version as the baseline",
        )
    require_common_shape(served, source.read_documents)
    return served


def count_stable(setup: Setup, settings: Settings) -> Counts:
    """Return what the stable version's instances have answered since they started.

    Raises:
        RolloutError: one of them does not answer.
    """
    reading = open_source(setup, settings.reveal_api_key()).read()["stable"]
    if reading.missing:
        raise RolloutError(
            f"stable's figures cannot be read: {', '.join(reading.missing)}",
            instead="start it, correct it, or set CHURN_API_KEY to a key with the scope metrics if it asks for one",
        )
    return sum(reading.counts.values(), Counts())


def require_pairs(setup: Setup, stable: Bundle, settings: Settings) -> None:
    """Refuse a rollout whose model's checks can only hold. Say what could not be found out.

    Raises:
        RolloutError: there is no log, it names no subscribers, or stable's bundle is not here.
    """
    try:
        unknown = open_evidence(setup, settings).require_possible(
            stable, lambda: count_stable(setup, settings).predictions
        )
    except (ChurnError, OSError) as error:
        raise RolloutError(
            f"scores, banners, tiers and reasons could never be judged: {error}",
            instead=f"{getattr(error, 'instead', '') or 'mend that'}; or give --without-pairs --reason TEXT, which is "
            "recorded: they hold then, until a person promotes",
        ) from error
    if unknown:
        say(unknown)


def require_gates(version: str, setup: Setup, settings: Settings) -> None:
    """Refuse a version that is champion already or fails a gate, even if it was once promoted past it."""
    from churn.training.promotion import check_version

    contract, name = find_contract(setup.contract), setup.registered_name
    info, gates = check_version(open_registry(settings), contract, version, name=name)
    if CHAMPION in info.aliases:
        raise GateError(f"{version} is champion already", instead="roll out another version: churn models")
    if failed := [f"{gate.name}: {gate.reason}" for gate in gates if not gate.passed]:
        raise GateError(
            f"{version} is not rolled out: {'; '.join(failed)}", instead="train a better version, or roll out another"
        )


def promote(rollout: Rollout, settings: Settings) -> None:
    """Make the new version champion: alias, links, and the command that takes the old one down. It may be repeated.

    Raises:
        RegistryError: the registry cannot be reached or has lost the version.
        RolloutError: the command failed.
    """
    setup = rollout.setup
    if setup.registry:
        from churn.training.promotion import find_version

        registry = open_registry(settings)
        info = find_version(registry, find_contract(setup.contract), rollout.canary, setup.registered_name)
        registry.promote(info, {"rollout": str(rollout.number)})
    settings.shelf(setup.contract).move_champion(rollout.canary)
    if setup.on_promoted:
        _run(setup.on_promoted, rollout)


def _run(command: str, rollout: Rollout) -> None:
    own = {"ROLLOUT_SERVICE": rollout.service, "STABLE_VERSION": rollout.stable, "CANARY_VERSION": rollout.canary}
    try:
        done = subprocess.run(  # noqa: S603 - the start of the rollout named it
            shlex.split(command),
            env=os.environ | own,
            capture_output=True,
            text=True,
            timeout=ON_PROMOTED_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RolloutError(f"{command} cannot be run: {error}", instead="mend it; it is tried again") from error
    if done.returncode:
        last_line = " ".join((done.stderr or done.stdout).strip().splitlines()[-1:])
        raise RolloutError(f"{command} ended with {done.returncode}: {last_line}", instead="it is tried again")
