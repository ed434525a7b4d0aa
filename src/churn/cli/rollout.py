"""The commands `churn rollout ...`: a new version takes over, or is sent back, without a person."""

from __future__ import annotations

import getpass
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.cli.extras import require_extra
from churn.cli.options import ContractOption, JsonOption, ReasonOption, ServiceOption
from churn.cli.show import out, print_json, say
from churn.errors import ExitCode, GateError, RolloutError, SettingsError
from churn.image.building import REPOSITORY
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.rollout.record import Rollout
    from churn.rollout.store import Store

# ruff: noqa: PLC0415 - what a rollout needs belongs to an extra, and other commands need none of it

SELECTORS = {"stable": 'track="stable"', "canary": 'track="canary"'}  # of Prometheus
EVERY_S = 0.5
OBEYED_S = 15.0  # somebody else's tick may take that long, at most
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

rollout_app = typer.Typer(help="Let a new version take over step by step, or be sent back, without a person.")


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(rollout_app, name="rollout", no_args_is_help=True)


@rollout_app.command(
    epilog="Example: churn rollout start v2.4.0 --router haproxy://127.0.0.1:9999 "
    "--stable http://127.0.0.1:8011 --canary http://127.0.0.1:8012"
)
def start(  # noqa: PLR0917 - typer calls it by names
    version: Annotated[str, typer.Argument(help="The new version, which the canary serves already.")],
    router: Annotated[
        str,
        typer.Option(help="What splits the requests: haproxy://HOST:PORT, or alb:LISTENER_ARN.", show_default=False),
    ],
    stable: Annotated[
        list[str] | None,
        typer.Option(help="An instance of the live version, such as http://127.0.0.1:8011; again for more of them."),
    ] = None,
    canary: Annotated[list[str] | None, typer.Option(help="An instance of the new one; again for more.")] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Ask this Prometheus instead of the instances; --stable and --canary are then the labels that select "
            f"them, {SELECTORS['stable']} and {SELECTORS['canary']} if not given.",
        ),
    ] = None,
    fleet: Annotated[
        str | None,
        typer.Option(
            metavar="ecs:CLUSTER",
            help="Start and stop the canary's tasks too, make the new version the stable one at the end, and ask the "
            "tasks themselves if neither --stable and --canary nor --prometheus say otherwise.",
        ),
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Steps and limits, a TOML file; 10, 50, 100 % if not given.")
    ] = None,
    service: ServiceOption = REPOSITORY,
    contract: ContractOption = "streamflow",
    on_promoted: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="Takes the old version down at the end; it may be run more than once."),
    ] = None,
    override: Annotated[
        str | None, typer.Option(metavar="REASON", help="Start outside the release window; the reason is recorded.")
    ] = None,
    registry: Annotated[  # noqa: FBT002
        bool, typer.Option(help="Hold the release gates first, and move the alias `champion` at the end.")
    ] = True,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Begin a rollout and carry it out until it is over; stopped or killed, `churn rollout resume` goes on.

    Exit codes: 0 promoted, 9 stopped before it was over, 10 rolled back or aborted.
    """
    require_rollout_extra()
    from churn.rollout.plan import DEFAULT_PLAN, read_plan

    settings = read_settings()
    chosen = read_plan(plan or DEFAULT_PLAN)
    where: dict[str, Any] = {
        "router": router,
        "prometheus": prometheus,
        "stable": stable or ([SELECTORS["stable"]] if prometheus else []),
        "canary": canary or ([SELECTORS["canary"]] if prometheus else []),
        "fleet": fleet,
        "contract": contract,
        "registry": registry,
        "on_promoted": on_promoted,
        "override": override,
        "by": _who(),
    }
    from churn.cli.rollout_wiring import (
        carry_out,
        controller_of,
        fleet_of,
        require_gates,
        require_places,
        require_versions,
        router_of,
        window_of,
    )

    require_places(where)
    with _store(settings, service) as store, store.controlling(service):
        from churn.rollout.record import Event, Rollout, State

        closed = window_of(chosen, settings)(datetime.now(UTC))
        if closed and not override:
            raise GateError(
                f"no rollout is started now: {closed}",
                instead="wait for the release window, or give --override REASON, which is recorded",
            )
        before = require_versions(where, version)
        router_of(where).weight()
        if tasks := fleet_of(where):
            tasks.addresses()
        if registry:
            say(f"holding the release gates against {version}")
            require_gates(version, contract, settings)
        now, reason = time.time(), f"{before} to {version}" + (f"; outside the window: {override}" if closed else "")
        fresh = Rollout(0, service, before, version, chosen, where, State.STARTING, -1, 0, now, reason, now)
        begun = store.begin(fresh, Event(now, "started", fresh.state, -1, 0, f"{reason}; by {where['by']}"))
        ended = carry_out(controller_of(begun, store, settings), store, as_json=as_json)
    raise typer.Exit(_exit_code(ended))


@rollout_app.command(epilog="Example: churn rollout resume")
def resume(service: ServiceOption = REPOSITORY, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Go on with a rollout that was stopped or killed, from where it stood; with the exit codes of `start`."""
    with _live(service) as (store, rollout, settings), store.controlling(service):
        from churn.cli.rollout_wiring import carry_out, controller_of

        ended = carry_out(controller_of(rollout, store, settings), store, as_json=as_json)
    raise typer.Exit(_exit_code(ended))


@rollout_app.command(epilog="Example: churn rollout status --json")
def status(service: ServiceOption = REPOSITORY, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Show where the rollout stands, or how the last one ended, and what the judge found last."""
    from churn.cli.rollout_words import show_findings, show_rollout

    settings = read_settings()
    with _store(settings, service) as store:
        found = store.rollouts(service)
        if not found:
            raise RolloutError(f"{service} has had no rollout", instead="begin one: churn rollout start")
        events = store.events(found[0].number)
        controlled = store.controlled(service)
        if as_json:
            last = events[-1].summary()
            print_json({**found[0].summary(), "controlled": controlled, "last": last})
            return
        show_rollout(found[0], controlled=controlled)
        show_findings(events)


@rollout_app.command(epilog="Example: churn rollout watch")
def watch(service: ServiceOption = REPOSITORY, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Show what happens in the rollout as it happens, until it is over; with the exit codes of `start`."""
    from churn.cli.rollout_words import teller

    with _live(service) as (store, rollout, _):
        tell = teller(store, rollout.number, as_json=as_json)
        while not (now := store.rollout(rollout.number)).over:
            tell(now)
            time.sleep(EVERY_S)
        tell(now)
        raise typer.Exit(_exit_code(now))


@rollout_app.command(epilog='Example: churn rollout promote --reason "seen enough"')
def promote(
    reason: ReasonOption,
    service: ServiceOption = REPOSITORY,
    override: Annotated[bool, typer.Option("--override", help="Also outside the release window.")] = False,  # noqa: FBT002
) -> None:
    """Have the rollout step forward now, without waiting for time or evidence; never past the verdict `roll back`."""
    with _live(service) as (store, rollout, settings):
        from churn.cli.rollout_wiring import window_of

        closed = window_of(rollout.plan, settings)(datetime.now(UTC))
        if closed and not override:
            raise GateError(f"no step forward now: {closed}", instead="wait, or give --override")
        if not store.controlled(service):
            raise RolloutError("nobody controls the rollout", instead="go on with it first: churn rollout resume")
        store.leave_command(rollout.number, "promote", f"{reason}; by {_who()}", at_any_hour=override)
        now = _await(store, rollout, lambda now: now.step != rollout.step or now.over or now.state != rollout.state)
        out.print(f"{now.state}, the canary gets {now.weight_percent} %: {now.reason}", markup=False)


@rollout_app.command(epilog='Example: churn rollout abort --reason "subscribers complain"')
def abort(reason: ReasonOption, service: ServiceOption = REPOSITORY) -> None:
    """Send all traffic back to the stable version now and end the rollout, whether or not a process controls it."""
    with _live(service) as (store, rollout, settings):
        from churn.cli.rollout_wiring import obey_if_nobody_else_does

        store.leave_command(rollout.number, "abort", f"{reason}; by {_who()}")
        obey_if_nobody_else_does(store, rollout, settings)
        now = _await(store, rollout, lambda now: now.over)
        if not now.over:
            why = store.events(now.number)[-1].reason
            raise RolloutError(
                f"the traffic is not back yet: {why}", instead="send it back by hand at the router; see docs/runbook.md"
            )
        out.print(f"{now.state}: {store.events(now.number)[-1].reason}", markup=False)


@rollout_app.command(epilog="Example: churn rollout history 3 --json")
def history(
    number: Annotated[int | None, typer.Argument(help="Of this rollout, all that happened.")] = None,
    service: ServiceOption = REPOSITORY,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List all rollouts, or all that happened in one of them."""
    from churn.cli.rollout_words import show_event, show_findings, show_history

    with _store(read_settings(), service) as store:
        if number is None:
            rollouts = store.rollouts(service)
            if as_json:
                print_json([each.summary() for each in rollouts])
            else:
                show_history(rollouts)
            return
        found = store.rollout(number)
        events = store.events(number)
        if as_json:
            print_json({**found.summary(), "happenings": [each.summary() for each in events]})
            return
        for each in events:
            show_event(each)
        show_findings(events)


def require_rollout_extra() -> None:
    """Says in a sentence that the libraries of a rollout are missing."""
    require_extra("rollout", "prometheus_client", "httpx2", "holidays", "boto3")


def _who() -> str:
    """Who is at the command line; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _exit_code(rollout: Rollout) -> ExitCode:
    from churn.rollout.record import State

    if not rollout.over:
        return ExitCode.NOT_OVER
    return ExitCode.DONE if rollout.state == State.PROMOTED else ExitCode.ROLLED_BACK


def _await(store: Store, rollout: Rollout, holds: Callable[[Rollout], bool]) -> Rollout:
    until = time.monotonic() + OBEYED_S
    while not holds(now := store.rollout(rollout.number)) and time.monotonic() < until:
        time.sleep(EVERY_S / 5)
    return now


@contextmanager
def _store(settings: Settings, service: str) -> Iterator[Store]:
    require_rollout_extra()
    from churn.rollout.store import Store

    if not NAME.fullmatch(service):
        raise SettingsError(f"{service!r} is no name of a service", instead="letters, digits, dots and hyphens")
    store = Store(settings.churn_home)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _live(service: str) -> Iterator[tuple[Store, Rollout, Settings]]:
    settings = read_settings()
    with _store(settings, service) as store:
        rollout = store.live(service)
        if rollout is None:
            raise RolloutError(
                f"{service} has no rollout that is not over",
                instead="begin one: churn rollout start; or see what was: churn rollout history",
            )
        yield store, rollout, settings
