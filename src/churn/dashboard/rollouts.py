"""Read rollouts from their store, and remember what was read of the events that have not changed since."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from churn.dashboard.history import History, Observation, observation_from_event, thin_out
from churn.judging.metrics import Metric
from churn.rollout.samples import read_samples
from churn.rollout.state import Command, Event, Rollout
from churn.rollout.store import RolloutStore


@dataclass(frozen=True)
class Snapshot:
    """A rollout's history at one moment.

    Args:
        history: all events so far.
        carried_out: whether a living process carries it out.
        command: what somebody asked for, if the controller has not taken it yet.
    """

    history: History
    carried_out: bool
    command: Command | None


class Rollouts:
    """All rollouts below CHURN_HOME. May be used by several threads.

    Every method raises RolloutError if the store cannot be used.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._known: dict[int, dict[tuple[int, int], Observation | None]] = {}
        self._lock = Lock()

    def list_all(self) -> list[Rollout]:
        """Return the rollouts of all services, newest first; those that are not over come first."""
        with self._store() as store:
            rollouts = [rollout for service in store.list_services() for rollout in store.list_rollouts(service)]
        return sorted(rollouts, key=lambda rollout: (rollout.is_over, -rollout.number))

    def read_snapshot(self, number: int) -> Snapshot:
        """Return how that rollout stands now; RolloutError if there is none."""
        with self._store() as store, self._lock:
            rollout = store.get_rollout(number)
            events = store.list_events_in_short(number)
            history = History(rollout, tuple(events), tuple(self._read_observations(store, number, events)))
            if rollout.is_over:
                return Snapshot(history, carried_out=False, command=None)
            return Snapshot(history, carried_out=store.is_locked(rollout.service), command=store.find_command(number))

    def _read_observations(self, store: RolloutStore, number: int, events: list[Event]) -> list[Observation]:
        """Return as many observations as a chart can show, oldest first, and the last one with findings."""
        judged = sorted((event for event in events if event.kind == "judged"), key=lambda event: event.order)
        before = self._known.get(number, {})
        known = self._known[number] = {}

        def read(event: Event) -> Observation | None:
            key = (event.number, event.times)
            if key not in known:
                known[key] = before[key] if key in before else observation_from_event(store.get_event(event.number))
            return known[key]

        shown = {event.number for event in thin_out(judged)}
        for event in reversed(judged):
            shown.add(event.number)
            if (observation := read(event)) and observation.findings:
                break
        return [look for look in map(read, (event for event in judged if event.number in shown)) if look]

    def read_samples(self) -> Mapping[Metric, Mapping[tuple[str, ...], float]]:
        """Return what Prometheus is told of the latest rollout of each service."""
        with self._store() as store:
            return read_samples(store)

    def leave_command(self, number: int, what: Literal["promote", "abort"], reason: str, *, at_any_hour: bool) -> None:
        """Leave a command to the controller of the rollout."""
        with self._store() as store:
            store.leave_command(store.get_rollout(number).number, what, reason, at_any_hour=at_any_hour)

    @contextmanager
    def _store(self) -> Iterator[RolloutStore]:
        with closing(RolloutStore(self._home)) as store:
            yield store
