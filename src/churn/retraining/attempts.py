"""Each attempt to retrain, as a run in MLflow: its step, its figures, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from churn.training.kept import LOG_UNTIL
from churn.training.registry import Registry

type Step = Literal["reading", "training", "judging", "registering", "exporting", "setting as shadow", "done"]
type Ending = Literal["shadow", "refused", "failed", "stopped"]

STEP, ENDING, CAUSE, WHY, SAID = "step", "ending", "cause", "why", "said"
VERSION, CHAMPION_VERSION = "retrained_version", "champion_version"
SUFFIX = "-retraining"  # of the experiment
MOST_SAID, MOST_LISTED = 1000, 50


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to retrain.

    Args:
        run_id: its run in MLflow.
        ending: None while it is under way, or after its process was killed.
        said: why it was refused or failed, or what follows.
        log_until: the time of the last row of the log, in microseconds since 1970; None if it came to none.
    """

    run_id: str
    started: datetime
    ended: datetime | None
    step: str
    ending: str | None
    cause: str
    why: str
    said: str
    version: str | None
    champion: str | None
    log_until: int | None
    metrics: Mapping[str, float]

    @property
    def made_challenger(self) -> bool:
        """Tell whether it came as far as the gates, and ended there or in the shadow."""
        return self.ending == "shadow" or (self.ending == "refused" and self.step != "reading")


class Attempts:
    """The attempts of one registered model."""

    def __init__(self, registry: Registry, name: str) -> None:
        self._registry, self._name = registry, f"{name}{SUFFIX}"

    def list_newest(self) -> list[Attempt]:
        """List the latest attempts, the newest first. Raise RegistryError if the store cannot be read."""
        client = self._registry.client
        with self._registry.translate_errors(f"list the runs of {self._name}"):
            experiment = client.get_experiment_by_name(self._name)
            if experiment is None:
                return []
            runs = client.search_runs(
                [experiment.experiment_id], order_by=["attributes.start_time DESC"], max_results=MOST_LISTED
            )
            return [_read_run(run) for run in runs]

    def begin(self, cause: str, why: str, champion: str) -> str:
        """Begin an attempt; return its run."""
        client = self._registry.client
        with self._registry.translate_errors("record a retraining"):
            experiment = client.get_experiment_by_name(self._name)
            place = experiment.experiment_id if experiment else client.create_experiment(self._name, self._place())
            tags = {STEP: "reading", CAUSE: cause, WHY: why[:MOST_SAID], CHAMPION_VERSION: champion}
            return str(client.create_run(place, tags=tags).info.run_id)

    def note(self, run_id: str, tags: Mapping[str, Any], metrics: Mapping[str, float] | None = None) -> None:
        """Add tags and figures to an attempt."""
        with self._registry.translate_errors("record a retraining"):
            for name, value in tags.items():
                self._registry.client.set_tag(run_id, name, str(value)[:MOST_SAID])
            for name, number in (metrics or {}).items():
                self._registry.client.log_metric(run_id, name, float(number))

    def end(self, run_id: str, ending: Ending, said: str) -> None:
        """End an attempt."""
        self.note(run_id, {ENDING: ending, SAID: said})
        with self._registry.translate_errors("record a retraining"):
            status = {"failed": "FAILED", "stopped": "KILLED"}.get(ending, "FINISHED")
            self._registry.client.set_terminated(run_id, status)

    def end_killed(self) -> None:
        """End attempts that nobody carries out any more. Only who holds the lock may call this."""
        for attempt in self.list_newest():
            if attempt.ending is None:
                self.end(attempt.run_id, "stopped", f"its process was stopped while it was {attempt.step}")

    def _place(self) -> str | None:
        """Return where the training runs' files lie, so that these lie there, too."""
        training = self._registry.client.get_experiment_by_name(self._name.removesuffix(SUFFIX))
        return training.artifact_location.rsplit("/", 1)[0] if training else None


def find_last_made(attempts: list[Attempt]) -> Attempt | None:
    """Find the newest attempt after which the plan's days begin anew: it made a challenger, refused or not.

    What failed, or lacked outcomes, is tried again as soon as the schedule says.
    """
    return next((attempt for attempt in attempts if attempt.made_challenger), None)


def _read_run(run: Any) -> Attempt:
    tags, info = run.data.tags, run.info
    until = tags.get(LOG_UNTIL, "")
    return Attempt(
        run_id=info.run_id,
        started=datetime.fromtimestamp(info.start_time / 1000, UTC),
        ended=datetime.fromtimestamp(info.end_time / 1000, UTC) if info.end_time else None,
        step=tags.get(STEP, "reading"),
        ending=tags.get(ENDING),
        cause=tags.get(CAUSE, ""),
        why=tags.get(WHY, ""),
        said=tags.get(SAID, ""),
        version=tags.get(VERSION),
        champion=tags.get(CHAMPION_VERSION),
        log_until=int(until) if until.isdigit() else None,
        metrics=dict(run.data.metrics),
    )
