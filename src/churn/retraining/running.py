"""One attempt to retrain, from the log to the shadow. What stops it leaves nothing half done; the next one goes on.

A version exists once all else is stored. Its tag says how far it came, so an attempt that is stopped after that is
gone on with, and no second version is made.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from churn.contract.declaration import Contract
from churn.errors import ChurnError, GateError, RegistryError
from churn.model.shelf import CHALLENGER, Shelf
from churn.prediction_log.places import Places
from churn.retraining.attempts import Attempts
from churn.retraining.challenger import Challenger, fit_challenger
from churn.retraining.due import Due
from churn.retraining.gates import LOG_GATE, judge_challenger
from churn.retraining.mixture import mix_rows
from churn.retraining.record import CHAMPION_NUMBER, Origin, build_challenger_record, count_rows, name_period
from churn.retraining.sources import list_logged_segments, read_old_rows
from churn.retraining.untreated import UntreatedRows
from churn.training.agreement import list_misfits
from churn.training.gates import Gate
from churn.training.methods.method import Recipe
from churn.training.registry import Registry
from churn.training.versions import VersionInfo

STATE, ATTEMPT = "retraining", "retraining_attempt"
REGISTERED, IN_SHADOW = "registered", "shadow"


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where an attempt works.

    Args:
        hash_key: hashes an id as the log hashes keys; None if there is no salt.
        salt: of the keyed hashes of those in the training file; None if there is none.
        export: exports `models:/NAME/NUMBER` onto the shelf, and returns the name of the bundle's folder.
        say: told what is being done.
    """

    registry: Registry
    contract: type[Contract]
    places: Places
    shelf: Shelf
    now: datetime
    export: Callable[[str], str]
    say: Callable[[str], None] = lambda _: None
    hash_key: Callable[[str], str | None] | None = None
    salt: str | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """What a challenger is made of: the champion, its recipe, its training file, and the log's untreated rows."""

    champion: VersionInfo
    recipe: Recipe
    path: Path
    logged: UntreatedRows


@dataclass(frozen=True, slots=True)
class Made:
    """A challenger that was made, its gates, and what the version is called."""

    challenger: Challenger
    gates: Sequence[Gate]
    version: str


def find_unfinished(versions: Sequence[VersionInfo], champion: VersionInfo) -> VersionInfo | None:
    """Find a version that was registered beside this champion, and is not in the shadow yet."""
    return next(
        (
            info
            for info in versions
            if info.tags.get(STATE) == REGISTERED and info.tags.get(CHAMPION_NUMBER) == str(champion.number)
        ),
        None,
    )


def require_free_shadow(versions: Sequence[VersionInfo], champion: VersionInfo) -> None:
    """Refuse to take the place of a challenger that a person set.

    Raises:
        GateError: there is one.
    """
    for info in versions:
        if CHALLENGER in info.aliases and STATE not in info.tags and info.number != champion.number:
            raise GateError(
                f"{info.name} number {info.number} is the challenger, and no retraining made it",
                instead="finish or end its shadow, then remove the alias `challenger` from it in the registry",
            )


def name_next(versions: Sequence[VersionInfo], champion: VersionInfo) -> str:
    """Name the next version: the champion's with a higher last number that no version has, or v1, v2, ..."""
    taken = {info.tags.get("model_version") for info in versions}
    said = re.fullmatch(r"(v\d+\.\d+\.)(\d+)", champion.tags.get("model_version", ""))
    head, number = (said[1], int(said[2]) + 1) if said else ("v", len(versions) + 1)
    while f"{head}{number}" in taken:
        number += 1
    return f"{head}{number}"


def make_version(work: Workplace, material: Material, attempts: Attempts, run_id: str) -> tuple[VersionInfo, Made]:
    """Train, judge and register a challenger.

    Raises:
        GateError: the gates refuse it; nothing is registered.
        ChurnError: something cannot be read or written.
    """
    contract, champion, logged = work.contract, material.champion, material.logged
    versions = work.registry.list_versions(champion.name)
    work.say(f"reading the old training rows of {material.path}")
    data = read_old_rows(contract, champion, material.path)
    segments = list_logged_segments(work.places, int(logged.times.min()), int(logged.times.max()))
    mixture = mix_rows(contract, data, logged, work.hash_key)
    counts = count_rows(mixture, logged)
    attempts.note(run_id, {"step": "training", **name_period(logged)}, {f"log_{k}": v for k, v in counts.items()})
    fetched = work.registry.fetch(champion)
    if misfits := list(list_misfits(contract, fetched.model)):
        raise RegistryError(
            f"the champion, number {champion.number}, does not fit the contract: {'; '.join(misfits)}",
            instead="train a version for this contract with `churn train`, and promote it",
        )
    challenger = fit_challenger(contract, mixture, material.recipe, fetched.trained.predict, work.say)
    gates = judge_challenger(contract, challenger)
    made = Made(challenger, gates, name_next(versions, champion))
    origin = Origin(made.version, champion, data, logged, segments)
    record = build_challenger_record(contract, origin, mixture, challenger, gates, now=work.now, salt=work.salt)
    attempts.note(run_id, {"step": "judging"}, record.metrics)
    if failed := [gate for gate in gates if not gate.passed]:
        raise GateError(
            f"the challenger is refused: {'; '.join(f'{gate.name}: {gate.reason}' for gate in failed)}",
            instead="the champion stays; docs/runbook.md says what to look at",
        )
    attempts.note(run_id, {"step": "registering"})
    work.say("drawing plots and recording the run in MLflow")
    tags = {**record.tags, STATE: REGISTERED, ATTEMPT: run_id}
    info = work.registry.register(contract, challenger.model, replace(record, tags=tags))
    attempts.note(run_id, {"step": "exporting", "retrained_version": made.version})
    return info, made


def set_as_shadow(work: Workplace, info: VersionInfo, attempts: Attempts, run_id: str) -> None:
    """Export a version, and make it the challenger. Each step may be done again.

    Raises:
        ChurnError: something cannot be written.
    """
    uri = f"models:/{info.name}/{info.number}"
    work.say(f"exporting {uri}")
    folder = work.export(uri)
    attempts.note(run_id, {"step": "setting as shadow", "retrained_version": folder})
    with work.registry.translate_errors(f"make {uri} the challenger"):
        work.registry.client.set_registered_model_alias(info.name, CHALLENGER, str(info.number))
    work.shelf.move_alias(CHALLENGER, folder)
    work.registry.tag(info, {STATE: IN_SHADOW})
    attempts.note(run_id, {"step": "done"})


@contextmanager
def record_ending(attempts: Attempts, run_id: str) -> Iterator[None]:
    """Record that an attempt was refused, or why it failed. What went wrong goes on."""
    try:
        yield
    except GateError as error:
        attempts.end(run_id, "refused", error.message)
        raise
    except (ChurnError, OSError) as error:
        with suppress(ChurnError):
            attempts.end(run_id, "failed", str(error))
        raise
    except BaseException as error:
        with suppress(ChurnError):
            attempts.end(run_id, "stopped" if isinstance(error, KeyboardInterrupt) else "failed", type(error).__name__)
        raise


def retrain_champion(work: Workplace, attempts: Attempts, material: Material, due: Due, obstacle: str) -> str:
    """Make a challenger of the material, and set it as shadow; return what the version is called.

    Args:
        attempts: takes each step.
        due: what makes it due, and why.
        obstacle: why the log's rows cannot be used; empty if they can.

    Raises:
        GateError: the log's rows cannot be used, or the gates refuse the challenger. The champion stays.
        ChurnError: something cannot be read or written. The next attempt begins anew, or goes on.
    """
    champion = material.champion.tags.get("model_version", f"number {material.champion.number}")
    run_id = attempts.begin(due.cause or "", due.describe(), champion)
    with record_ending(attempts, run_id):
        if obstacle:
            raise GateError(
                f"the log cannot be trained on: {obstacle}", instead="docs/retraining.md says what it needs"
            )
        info, made = make_version(work, material, attempts, run_id)
        set_as_shadow(work, info, attempts, run_id)
        attempts.end(run_id, "shadow", describe_gates(made.gates))
    return made.version


def describe_gates(gates: Sequence[Gate]) -> str:
    """Say how the challenger did beside the champion."""
    told = [f"{gate.name}: {gate.reason}" for gate in gates if gate.name in {"auc", "log loss", LOG_GATE}]
    return "every gate holds; " + "; ".join(told)


def go_on(work: Workplace, attempts: Attempts, champion: VersionInfo) -> str | None:
    """Set a version as shadow that an earlier attempt registered; return what it is called, None if there is none."""
    info = find_unfinished(work.registry.list_versions(champion.name), champion)
    if info is None:
        return None
    version = info.tags.get("model_version", f"v{info.number}")
    run_id = info.tags.get(ATTEMPT) or attempts.begin("asked for", "an attempt was stopped", version)
    with record_ending(attempts, run_id):
        set_as_shadow(work, info, attempts, run_id)
        attempts.end(run_id, "shadow", "gone on with after a stop")
    return version
