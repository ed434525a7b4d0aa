"""The commands that only look at rollouts: `churn rollout status`, `watch` and `history`."""

import time
from typing import Annotated

import typer

from churn.cli.options import JsonOption, ServiceOption
from churn.cli.rollout import exit_code_from, open_live, open_store, rollout_app
from churn.cli.show import print_json
from churn.errors import RolloutError
from churn.image.building import REPOSITORY
from churn.settings import read_settings

# ruff: noqa: PLC0415 - what a rollout needs belongs to an extra, and other commands need none of it


def add_to(_: typer.Typer) -> None:
    """Add these commands to `churn rollout`. To import this module has done it."""


@rollout_app.command(epilog="Example: churn rollout status --json")
def status(service: ServiceOption = REPOSITORY, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Ask router and instances how the rollout stands. Show what is wrong and what to do, or how the last one ended.

    Exit codes: 0 promoted, or under way and nothing is wrong. 9 nobody controls it. 10 rolled back or aborted.
    11 something is wrong or not known: for example, an instance does not answer. 11 comes before 9.
    """
    from churn.cli.rollout_words import show_findings, show_status
    from churn.rollout.parts import open_router, open_source
    from churn.rollout.status import ask_status

    settings = read_settings()
    with open_store(settings, service) as store:
        rollout = next(iter(store.list_rollouts(service)), None)
        if rollout is None:
            raise RolloutError(f"{service} has had no rollout", instead="begin one: churn rollout start")
        now = ask_status(
            rollout,
            store.list_events(rollout.number),
            now=time.time(),
            controlled=store.is_locked(service),
            open_router=lambda: open_router(rollout.setup.router, has_baseline=rollout.plan.has_baseline),
            open_source=lambda: open_source(
                rollout.setup, settings.reveal_api_key(), has_baseline=rollout.plan.has_baseline
            ),
        )
    if as_json:
        print_json(now.summarize())
    else:
        show_status(now)
        show_findings(now.events)
    raise typer.Exit(now.exit_code)


@rollout_app.command(epilog="Example: churn rollout watch")
def watch(service: ServiceOption = REPOSITORY, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Show each event of the rollout as it comes, until it is over. It has the exit codes of `start`."""
    with open_live(service) as (store, rollout, _):
        from churn.cli.rollout_control import watch_until_over

        raise typer.Exit(exit_code_from(watch_until_over(store, rollout.number, as_json=as_json)))


@rollout_app.command(epilog="Example: churn rollout history 3 --json")
def history(
    number: Annotated[int | None, typer.Argument(help="All events of this rollout.")] = None,
    service: ServiceOption = REPOSITORY,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List all rollouts, or all events of one of them."""
    from churn.cli.rollout_words import show_event, show_findings, show_rollouts

    with open_store(read_settings(), service) as store:
        if number is None:
            rollouts = store.list_rollouts(service)
            if as_json:
                print_json([rollout.summarize() for rollout in rollouts])
            else:
                show_rollouts(rollouts)
            return
        rollout, events = store.get_rollout(number), store.list_events(number)
        if as_json:
            print_json({**rollout.summarize(), "happenings": [event.summarize() for event in events]})
            return
        for event in events:
            show_event(event)
        show_findings(events)
