"""The commands `churn retrain` and `churn retrain status`: from ripe outcomes to a challenger in the shadow."""

from __future__ import annotations

import functools
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.models import export_bundle
from churn.cli.notify import announce
from churn.cli.options import ContractOption, JsonOption
from churn.cli.predictions import require_log
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.cli.training import open_registry
from churn.errors import BundleError, ChurnError, ExitCode, GateError, RegistryError, RolloutError
from churn.notices.notice import Notice
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.contract.declaration import Contract
    from churn.retraining.looking import Look
    from churn.retraining.plan import RetrainingPlan
    from churn.retraining.running import Workplace
    from churn.training.registry import Registry

# ruff: noqa: PLC0415 - MLflow takes seconds to import

DEFAULTS = "defaults"
PlanOption = Annotated[
    str, typer.Option("--plan", metavar="FILE", help="When to retrain and what follows, a TOML file; or `defaults`.")
]
STATUS_CODES = {"refused": ExitCode.REFUSED, "failed": ExitCode.FAILED, "stopped": ExitCode.NOT_OVER}

app = typer.Typer(
    name="retrain",
    invoke_without_command=True,
)


@app.callback(epilog="Example: churn retrain --plan retraining.toml --dry-run")
def retrain(
    context: typer.Context,
    *,
    plan: PlanOption = DEFAULTS,
    data: Annotated[
        Path | None,
        typer.Option(help="The champion's training file; looked for in `data` under CHURN_HOME if not given."),
    ] = None,
    at_once: Annotated[bool, typer.Option("--now", help="Retrain although nothing makes it due.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say every step and do none.")] = False,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Train a challenger on ripe outcomes of the log beside the champion's old rows, if the plan says that it is due.

    Exit code 0: the challenger is in the shadow, or nothing is due. 6: it is refused. 9: another one is at work. An
    attempt that was stopped is gone on with. After `then = "rollout"` the code is the command's own.
    """
    if context.invoked_subcommand is not None:
        return
    from churn.retraining.lock import AtWork, lock_retraining
    from churn.retraining.plan import DEFAULT_PLAN, read_retraining_plan

    path = DEFAULT_PLAN if plan == DEFAULTS else Path(plan)
    settings, chosen, steps = read_settings(), find_contract(contract), read_retraining_plan(path)
    given = data or (path.parent / steps.data if steps.data else None)
    registry = _open_existing(settings)
    if dry_run:
        look = _look(registry, chosen, settings, steps, given=given, at_once=at_once)
        _show_steps(look, steps, as_json=as_json)
        return
    topic = f"retraining {contract}"
    try:
        with lock_retraining(settings.churn_home, chosen.contract_name):
            done = _carry_out(registry, chosen, settings, steps, given=given, at_once=at_once)
    except AtWork:
        raise
    except ChurnError as error:
        ended = "refused" if isinstance(error, GateError) else "failed"
        action = "The champion stays. See: churn retrain status"
        announce(settings, Notice(topic, ended, f"Retraining {contract} {ended}", error.message, action, "warning"))
        raise
    if done["state"] == "shadow":
        title = f"{contract}: {done['version']} is the challenger"
        announce(settings, Notice(topic, done["version"], title, done["said"], "See: churn shadow report", "success"))
    if as_json:
        print_json(done)
    else:
        out.print(done["said"], markup=False)
    if done["state"] == "shadow" and steps.then == "rollout":
        _start_rollout(steps.build_rollout(done["version"]))


@app.command(epilog="Example: churn retrain status --json")
def status(
    *, plan: PlanOption = DEFAULTS, contract: ContractOption = "streamflow", as_json: JsonOption = False
) -> None:
    """Show the last retrainings, what became of them, and when the next is due.

    Exit code 0: the last one went well, or there is none yet; 6: it was refused; 1: it failed; 9: it is under way, was
    stopped, or its version is not in the shadow yet.
    """
    from churn.retraining.plan import DEFAULT_PLAN, read_retraining_plan

    settings, chosen = read_settings(), find_contract(contract)
    steps = read_retraining_plan(DEFAULT_PLAN if plan == DEFAULTS else Path(plan))
    standing = _write_standing(_open_existing(settings), chosen, settings, steps)
    if as_json:
        print_json(standing)
    else:
        _show_standing(standing)
    attempts = standing["attempts"]
    if standing["unfinished"] or (attempts and attempts[0]["ending"] is None):
        raise typer.Exit(ExitCode.NOT_OVER)
    raise typer.Exit(STATUS_CODES.get(attempts[0]["ending"] if attempts else "", ExitCode.DONE))


def _open_existing(settings: Settings) -> Registry:
    """Open the registry. Make none: without one there is no champion to begin with."""
    if settings.mlflow_tracking_uri is None and not (settings.churn_home / "mlflow" / "mlflow.db").exists():
        raise RegistryError(
            f"there is no model registry under {settings.churn_home}, so there is no champion to retrain",
            instead="train a version with `churn train` and promote it, or set MLFLOW_TRACKING_URI",
        )
    require_extra("rollout", "scipy")
    return open_registry(settings)


def _look(
    registry: Registry,
    contract: type[Contract],
    settings: Settings,
    plan: RetrainingPlan,
    *,
    given: Path | None,
    at_once: bool,
) -> Look:
    """Look at the champion, the log and what came before, and say whether retraining is due. Change nothing."""
    from churn.outcomes.store import load_outcomes, locate_outcomes
    from churn.retraining.looking import look

    places = require_log(settings, contract.contract_name)
    with show_progress("segments", calm=True) as move:
        return look(
            registry,
            contract,
            plan,
            places=places,
            outcomes=load_outcomes(locate_outcomes(settings.churn_home, contract.contract_name)),
            measure_drift=functools.partial(_measure_drift, settings, contract),
            home=settings.churn_home,
            given=given,
            now=datetime.now(UTC),
            at_once=at_once,
            progress=move,
        )


def _measure_drift(settings: Settings, contract: type[Contract]) -> str | None:
    """Return the worst band of drift; None if the champion's bundle is not here, or has no reference."""
    from churn.monitoring.comparison import compare

    name = contract.contract_name
    champion = settings.bundle_path if name == settings.churn_contract else settings.shelf(name).champion
    try:
        return compare(champion, require_log(settings, name)).band
    except BundleError as error:
        say(f"drift is not measured: {error.message}")
        return None


def _carry_out(
    registry: Registry,
    contract: type[Contract],
    settings: Settings,
    plan: RetrainingPlan,
    *,
    given: Path | None,
    at_once: bool,
) -> dict[str, Any]:
    """Retrain, or go on with what was stopped; return what became of it, ready for JSON."""
    from churn.retraining.attempts import Attempts
    from churn.retraining.looking import require_champion
    from churn.retraining.running import go_on, retrain_champion

    champion = require_champion(registry, contract)
    attempts = Attempts(registry, champion.name)
    attempts.end_killed()
    work = _build_workplace(registry, contract, settings)
    try:
        if (version := go_on(work, attempts, champion)) is not None:
            return _tell(settings, contract, version, "gone on with, where the last attempt was stopped")
        look = _look(registry, contract, settings, plan, given=given, at_once=at_once)
        if look.due.cause is None:
            return {"state": "not due", "version": None, "said": f"nothing is due: {look.due.describe()}"}
        version = retrain_champion(work, attempts, look.material, look.due, look.obstacle)
        return _tell(settings, contract, version, f"due by {look.due.cause}")
    finally:
        with suppress(ChurnError, OSError):  # what went wrong before counts
            _write_standing(registry, contract, settings, plan)


def _tell(settings: Settings, contract: type[Contract], version: str, why: str) -> dict[str, Any]:
    link = settings.shelf(contract.contract_name).folder / "challenger"
    said = f"{version} is the challenger ({why}); a service with CHALLENGER_PATH={link} takes it at its next start"
    return {"state": "shadow", "version": version, "said": said}


def _build_workplace(registry: Registry, contract: type[Contract], settings: Settings) -> Workplace:
    from churn.prediction_log.record import hash_key
    from churn.retraining.running import Workplace

    salt = settings.prediction_log_salt.get_secret_value() if settings.prediction_log_salt else None
    return Workplace(
        registry=registry,
        contract=contract,
        places=require_log(settings, contract.contract_name),
        shelf=settings.shelf(contract.contract_name),
        now=datetime.now(UTC),
        export=lambda uri: export_bundle(uri, settings, contract=contract.contract_name).bundle.path.name,
        say=say,
        hash_key=functools.partial(hash_key, salt=salt) if salt else None,
        salt=salt,
    )


def _start_rollout(words: list[str]) -> None:
    """Run the plan's command, without a shell, and end with its code."""
    say(f"starting the rollout: {' '.join(words)}")
    try:
        code = subprocess.run(words, check=False).returncode  # noqa: S603 - the words of the plan, for this
    except OSError as error:
        raise RolloutError(
            f"the plan's command cannot be run: {words[0]}: {error.strerror}",
            instead="the challenger is in the shadow; mend `rollout` in the plan, or start the rollout by hand",
        ) from error
    sys.exit(code)


def _write_standing(
    registry: Registry, contract: type[Contract], settings: Settings, plan: RetrainingPlan
) -> dict[str, Any]:
    """Find out how retraining stands, and leave it for the dashboard."""
    from churn.retraining.looking import find_standing
    from churn.retraining.standing import locate_standing, write_standing

    standing = find_standing(registry, contract, plan, now=datetime.now(UTC))
    write_standing(locate_standing(settings.churn_home, contract.contract_name), standing)
    return standing


def _show_steps(look: Look, plan: RetrainingPlan, *, as_json: bool) -> None:
    steps = look.list_steps(plan)
    if as_json:
        print_json({"due": look.due.cause, "obstacle": look.obstacle, "steps": [list(step) for step in steps]})
    else:
        print_table("What `churn retrain` would do", ["step", "what"], [list(step) for step in steps])


def _show_standing(standing: dict[str, Any]) -> None:
    rows = [
        [attempt["started"][:16], attempt["cause"], attempt["ending"] or f"under way: {attempt['step']}",
         attempt["version"] or "", attempt["said"]]
        for attempt in standing["attempts"]
    ]  # fmt: skip
    if rows:
        print_table("Retrainings, the newest first", ["began (UTC)", "due by", "ended", "version", "why"], rows)
    else:
        out.print("there was no retraining yet")
    if standing["unfinished"]:
        out.print(f"{standing['unfinished']} is registered and not in the shadow yet: run `churn retrain` again")
    out.print(f"next by date: {(standing['next_by_date'] or 'not known')[:16]}")
