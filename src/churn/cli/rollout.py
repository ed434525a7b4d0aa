"""The commands `churn rollout ...`: a new version takes over, or is sent back, without a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.cli.extras import require_extra
from churn.cli.options import (
    ContractOption,
    DespiteForecastOption,
    JsonOption,
    NameOption,
    OptionalReason,
    OverrideOption,
    ReasonOption,
    RegistryOption,
    ServiceOption,
    WithoutPairsOption,
    get_user,
    require_reason,
)
from churn.cli.show import out, say
from churn.errors import ExitCode, GateError, RolloutError, SettingsError
from churn.image.building import REPOSITORY
from churn.rollout.parts import FLEET_FORMS, ROUTER_FORMS
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.rollout.state import Rollout
    from churn.rollout.store import RolloutStore

# ruff: noqa: PLC0415 - what a rollout needs belongs to an extra, and other commands need none of it

SELECTORS = {track: f'track="{track}"' for track in ("stable", "canary", "baseline")}  # of Prometheus
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

rollout_app = typer.Typer(help="Let a new version take over step by step, or be sent back, without a person.")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(rollout_app, name="rollout", no_args_is_help=True)


@rollout_app.command(
    epilog="Example: churn rollout start v2.4.0 --router haproxy://127.0.0.1:9999 "
    "--stable http://127.0.0.1:8011 --canary http://127.0.0.1:8012"
)
def start(  # noqa: PLR0917 - typer calls it by names
    version: Annotated[str, typer.Argument(help="The new version, which the canary serves already.")],
    router: Annotated[str, typer.Option(help=f"What splits the requests: {ROUTER_FORMS}.", show_default=False)],
    stable: Annotated[
        list[str] | None,
        typer.Option(help="An instance of the live version, such as http://127.0.0.1:8011; again for more of them."),
    ] = None,
    canary: Annotated[list[str] | None, typer.Option(help="An instance of the new one; again for more.")] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="An instance of the live version that was started with the canary, on the same kind of machine; again "
            "for more. The router gives it as much as the canary, and latency is compared with it. With --fleet leave "
            "it out: a baseline is started with the canary, unless the plan has baseline = false."
        ),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Ask this Prometheus instead of the instances. --stable and --canary are then the labels that select "
            f"them, {SELECTORS['stable']} and {SELECTORS['canary']} by default.",
        ),
    ] = None,
    fleet: Annotated[
        str | None,
        typer.Option(
            metavar=FLEET_FORMS,
            help="Start and stop the tasks of the canary and its baseline too, and make the new version the stable one "
            "at the end. Without --stable, --canary and --prometheus the tasks themselves are asked.",
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
    override: OverrideOption = False,  # noqa: FBT002
    without_pairs: WithoutPairsOption = False,  # noqa: FBT002
    despite_forecast: DespiteForecastOption = False,  # noqa: FBT002
    reason: OptionalReason = None,
    registry: RegistryOption = True,  # noqa: FBT002
    name: NameOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Begin a rollout and carry it out until it is over. `churn rollout resume` goes on after a stop or a crash.

    Exit codes: 0 promoted, 9 stopped before it was over, 10 rolled back or aborted.
    """
    require_rollout_extra()
    from churn.cli import rollout_baseline
    from churn.cli import rollout_control as control
    from churn.cli.judge_plan import require_end
    from churn.clocks import read_clock
    from churn.rollout.plan import DEFAULT_PLAN, read_plan
    from churn.rollout.state import Event, Rollout, Setup, State

    overridden = require_reason("--override", reason) if override else None
    unpaired = require_reason("--without-pairs", reason) if without_pairs else None
    unhurried = require_reason("--despite-forecast", reason) if despite_forecast else None
    settings, steps = read_settings(), read_plan(plan or DEFAULT_PLAN)
    if not fleet or stable or canary or baseline:  # otherwise the fleet may start one, if the plan does not say
        steps = steps.model_copy(update={"baseline": steps.has_baseline or bool(baseline)})
    setup = Setup(
        router=router,
        prometheus=prometheus,
        stable=tuple(stable or ([SELECTORS["stable"]] if prometheus else [])),
        canary=tuple(canary or ([SELECTORS["canary"]] if prometheus else [])),
        baseline=tuple(baseline or ([SELECTORS["baseline"]] if prometheus and steps.baseline else [])),
        fleet=fleet,
        contract=contract,
        registry=registry,
        on_promoted=on_promoted,
        override=overridden,
        by=get_user(),
        registered_name=name,
    )
    control.require_places(setup)
    rollout_baseline.require_baseline(setup, steps)
    with open_store(settings, service) as store, store.lock(service):
        closed = control.require_window(steps, settings, overridden)
        served = control.require_versions(setup, version, settings.reveal_api_key())
        steps, why_no_baseline = rollout_baseline.decide_baseline(setup, steps)
        if prometheus and steps.has_baseline and not setup.baseline:
            setup = replace(setup, baseline=(SELECTORS["baseline"],))
        if steps.model_checks and not unpaired:
            control.require_pairs(setup, served["stable"], settings)
        slow = require_end(steps, setup, settings, unpaired=bool(unpaired), despite=bool(unhurried))
        if registry:
            say(f"holding the release gates against {version}")
            control.require_gates(version, setup, settings)
        before, clock = served["stable"].version, read_clock()
        what = f"{before} to {version}" + (f"; outside the window: {overridden}" if closed else "")
        what += f"; without pairs: {unpaired}" if unpaired else ""
        what += f"; despite the forecast: {unhurried}" if slow else ""
        what += f"; without a baseline: {why_no_baseline}" if why_no_baseline else ""
        rollout = Rollout(
            *(0, service, before, version, steps, setup, State.STARTING, -1, 0, clock.wall_s, what, clock.wall_s),
            clock=clock,
            stable_sha256=served["stable"].sha256,
            canary_sha256=served["canary"].sha256,
        )
        begun = store.begin(rollout, Event(clock.wall_s, "started", rollout.state, -1, 0, f"{what}; by {setup.by}"))
        ended = control.carry_out(begun, store, settings, as_json=as_json)
    raise typer.Exit(exit_code_from(ended))


@rollout_app.command(epilog="Example: churn rollout resume")
def resume(service: ServiceOption = REPOSITORY, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Go on with a rollout that was stopped or killed, where it stood. It has the exit codes of `start`."""
    with open_live(service) as (store, rollout, settings), store.lock(service):
        from churn.cli.rollout_control import carry_out

        ended = carry_out(rollout, store, settings, as_json=as_json)
    raise typer.Exit(exit_code_from(ended))


@rollout_app.command(epilog='Example: churn rollout promote --reason "seen enough"')
def promote(
    reason: ReasonOption,
    service: ServiceOption = REPOSITORY,
    override: Annotated[bool, typer.Option("--override", help="Also outside the release window.")] = False,  # noqa: FBT002
) -> None:
    """Advance to the next step now, without waiting for time or evidence; never past the verdict `roll back`."""
    with open_live(service) as (store, rollout, settings):
        from churn.cli.rollout_control import build_window, wait_until

        closed = build_window(rollout.plan, settings)(datetime.now(UTC))
        if closed and not override:
            raise GateError(f"no step forward now: {closed}", instead="wait, or give --override")
        if not store.is_locked(service):
            raise RolloutError("nobody controls the rollout", instead="go on with it first: churn rollout resume")
        store.leave_command(rollout.number, "promote", f"{reason}; by {get_user()}", at_any_hour=override)
        before = (rollout.step, rollout.state)
        now = wait_until(lambda now: now.is_over or (now.step, now.state) != before, store, rollout.number)
        out.print(f"{now.state}, the canary gets {now.weight_percent} %: {now.reason}", markup=False)


@rollout_app.command(epilog='Example: churn rollout abort --reason "subscribers complain"')
def abort(reason: ReasonOption, service: ServiceOption = REPOSITORY) -> None:
    """Send all traffic back to the stable version now and end the rollout, whether or not a process controls it."""
    with open_live(service) as (store, rollout, settings):
        from churn.cli.rollout_control import obey_if_uncontrolled, wait_until

        store.leave_command(rollout.number, "abort", f"{reason}; by {get_user()}")
        obey_if_uncontrolled(store, rollout, settings)
        now = wait_until(lambda now: now.is_over, store, rollout.number)
        last_reason = store.list_events(now.number)[-1].reason
        if not now.is_over:
            raise RolloutError(
                f"the traffic is not back yet: {last_reason}",
                instead="send it back by hand at the router; see docs/runbook.md",
            )
        out.print(f"{now.state}: {last_reason}", markup=False)


def require_rollout_extra() -> None:
    """Refuse if the libraries of a rollout are missing."""
    require_extra("rollout", "prometheus_client", "httpx2", "holidays", "boto3")


def exit_code_from(rollout: Rollout) -> ExitCode:
    """Return 0 if it was promoted, 9 if it is not over, and 10 if it was sent back or aborted."""
    from churn.rollout.state import State

    if not rollout.is_over:
        return ExitCode.NOT_OVER
    return ExitCode.DONE if rollout.state == State.PROMOTED else ExitCode.ROLLED_BACK


def open_store(settings: Settings, service: str) -> closing[RolloutStore]:
    """Open the rollouts of this home.

    Raises:
        SettingsError: that is no name of a service.
    """
    require_rollout_extra()
    from churn.rollout.store import RolloutStore

    if not NAME.fullmatch(service):
        raise SettingsError(f"{service!r} is no name of a service", instead="letters, digits, dots and hyphens")
    return closing(RolloutStore(settings.churn_home))


@contextmanager
def open_live(service: str) -> Iterator[tuple[RolloutStore, Rollout, Settings]]:
    """Open the rollout of a service that is under way.

    Raises:
        RolloutError: there is none.
    """
    settings = read_settings()
    with open_store(settings, service) as store:
        rollout = store.find_live(service)
        if rollout is None:
            raise RolloutError(
                f"{service} has no rollout that is not over",
                instead="begin one: churn rollout start; or see what was: churn rollout history",
            )
        yield store, rollout, settings
