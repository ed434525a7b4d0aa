"""Look at the champion, the log and earlier attempts: is retraining due, and what would it do? Nothing is changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import prod
from pathlib import Path
from typing import Any

from churn.contract.declaration import Contract
from churn.errors import RegistryError
from churn.outcomes.exposures import Exposures
from churn.outcomes.file import Outcome
from churn.outcomes.join import JoinedOutcomes, join_outcomes
from churn.outcomes.reading_exposures import ReadExposures, collect_exposures
from churn.outcomes.ripeness import find_last_counted
from churn.prediction_log.places import Places
from churn.prediction_log.segments import Progress
from churn.retraining.attempts import Attempts, find_last_made
from churn.retraining.due import Due, find_due, find_next_date
from churn.retraining.plan import RetrainingPlan
from churn.retraining.running import Material, find_unfinished, require_free_shadow
from churn.retraining.sources import find_training_file, read_recipe
from churn.retraining.standing import build_standing
from churn.retraining.untreated import Elsewhere, count_newer, find_untreated
from churn.training.kept import LOG_UNTIL
from churn.training.registry import Registry
from churn.training.versions import VersionInfo, name_registered_model

MOST_MISSING = 0.05
"""Of the subscribers whose outcome could be known. Where leavers are imported before those who stayed, more are."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    Args:
        material: what a challenger would be made of.
        due: whether it is due, and why.
        obstacle: why the log's rows cannot be used; empty if they can.
    """

    material: Material
    due: Due
    obstacle: str

    def list_steps(self, plan: RetrainingPlan) -> list[tuple[str, str]]:
        """List each step of a retraining: its name, and what it would do."""
        champion, logged, recipe = self.material.champion, self.material.logged, self.material.recipe
        name = champion.tags.get("model_version", f"number {champion.number}")
        lots = f"{int(logged.had_lot.sum()):,} of them held out above the threshold, as good as {logged.held_out:,.0f}"
        following = "stop there" if plan.then == "shadow" else f"run: {' '.join(plan.rollout)}"
        return [
            ("due", f"{'yes' if self.due.cause else 'no'}; {self.due.describe()}"),
            ("old rows", f"read {self.material.path}, the training file of the champion {name}"),
            ("log", f"take {len(logged):,} untreated subscribers, {lots}; leave out {logged.treated:,} treated"),
            ("usable", f"no: {self.obstacle}" if self.obstacle else "yes"),
            ("train", f"{recipe.method.name} with the champion's parameters, on both"),
            ("gates", f"hold the release gates against {name} on rows that neither saw; refuse if one fails"),
            ("register", "a new version in MLflow, with counts, period and segments, and no row of the log"),
            ("export", "write its bundle, and prove that it says what the registered model says"),
            ("shadow", "move the alias and the link `challenger` to it"),
            ("then", following),
        ]


def look(
    registry: Registry,
    contract: type[Contract],
    plan: RetrainingPlan,
    *,
    places: Places,
    outcomes: Sequence[Outcome],
    measure_drift: Callable[[], str | None],
    home: Path,
    given: Path | None,
    now: datetime,
    at_once: bool,
    progress: Progress = lambda *_: None,
) -> Look:
    """Look at all that a retraining needs.

    Args:
        places: of the prediction log.
        outcomes: who left.
        measure_drift: returns the worst band of drift; called only if the plan asks for it.
        home: CHURN_HOME, below which the training file is looked for.
        given: the training file, if somebody named it.
        at_once: retrain although nothing makes it due.
        progress: told how many segments are read.

    Raises:
        RegistryError: there is no champion, or nobody knows how it was trained.
        DataError: its training file is not here, or the log is damaged.
        GateError: a person set another challenger.
    """
    champion = require_champion(registry, contract)
    require_free_shadow(registry.list_versions(champion.name), champion)
    recipe, path = read_recipe(registry, champion), find_training_file(champion, home, given)
    until = find_last_counted(now, contract.horizon_days)
    joined = join_outcomes(places, outcomes, until=until, horizon_days=contract.horizon_days)
    read = collect_exposures(places, joined, contract, progress=progress)
    logged = find_untreated(read.known, find_elsewhere(joined, read.known))
    last, log_until = find_last(registry, champion)
    due = find_due(
        plan,
        now=now,
        last=last,
        band=measure_drift() if plan.drift else None,
        new_outcomes=count_newer(logged, log_until),
        asked_for=at_once,
    )
    obstacle = find_missing_rows(read) or logged.find_obstacle(plan.least_held_out)
    return Look(Material(champion, recipe, path, logged), due, obstacle)


def find_missing_rows(read: ReadExposures) -> str:
    """Say which rows are missing, so that the others do not stand for all; empty if few are."""
    everybody = len(read.known) + len(read.missing) + read.unclear
    if len(read.missing) > MOST_MISSING * everybody:
        return (
            f"the outcome of {len(read.missing):,} of {everybody:,} subscribers is missing, so leavers may be too many "
            "among those who are known: import what became of everybody"
        )
    if read.unclear > MOST_MISSING * everybody:
        return (
            f"the records of {read.unclear:,} of {everybody:,} subscribers do not say with which chance they were "
            "shown what, for an earlier version of this software wrote them"
        )
    return ""


def find_elsewhere(joined: JoinedOutcomes, exposures: Exposures) -> dict[str, Elsewhere]:
    """Find who had a lot drawn in experiments that have no row of theirs, such as one that is not ripe yet.

    What they were shown there is not read. So all who were ever in a treatment count as treated.
    """
    own: dict[str, set[str | None]] = {}
    for identity, experiment in zip(exposures.identity, exposures.experiment, strict=True):
        own.setdefault(identity, set()).add(experiment)
    elsewhere = {}
    for identity, experiments in own.items():
        others: dict[str | None, float] = {}
        for draw in joined.drawn.get(identity, ()):
            if draw.experiment is not None and draw.experiment not in experiments:
                others[draw.experiment] = min(others.get(draw.experiment, 1.0), draw.holdout_share or 0.0)
        if others:
            elsewhere[identity] = Elsewhere(prod(others.values()), identity in joined.treated)
    return elsewhere


def require_champion(registry: Registry, contract: type[Contract]) -> VersionInfo:
    """Return the champion. Raise RegistryError if there is none."""
    name = name_registered_model(contract)
    champion = registry.find_champion(name)
    if champion is None:
        raise RegistryError(
            f"{name} has no champion to retrain", instead="train a version with `churn train`, and promote it"
        )
    return champion


def find_last(registry: Registry, champion: VersionInfo) -> tuple[datetime | None, int | None]:
    """Return when the last retraining ended, else the champion was trained, and up to when it knew the log."""
    attempt = find_last_made(Attempts(registry, champion.name).list_newest())
    if attempt:
        return attempt.ended or attempt.started, attempt.log_until
    until = champion.tags.get(LOG_UNTIL, "")
    try:
        trained = datetime.fromisoformat(champion.tags["training_date"]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        trained = None
    return trained, int(until) if until.isdigit() else None


def find_standing(
    registry: Registry, contract: type[Contract], plan: RetrainingPlan, *, now: datetime
) -> dict[str, Any]:
    """Find out how retraining stands, from MLflow alone. Raise RegistryError if it cannot be read."""
    champion = require_champion(registry, contract)
    attempts = Attempts(registry, champion.name).list_newest()
    unfinished = find_unfinished(registry.list_versions(champion.name), champion)
    next_by_date = find_next_date(plan, find_last(registry, champion)[0])
    return build_standing(
        attempts,
        now=now,
        next_by_date=next_by_date,
        due="date" if next_by_date and next_by_date <= now else None,
        unfinished=unfinished.tags.get("model_version") if unfinished else None,
    )
