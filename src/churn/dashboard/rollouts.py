"""Reads rollouts from their store, and remembers what cannot change any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from churn.dashboard.course import Course, Look, look
from churn.rollout.record import Happening, Rollout, Wish
from churn.rollout.store import Store


@dataclass(frozen=True)
class Moment:
    """A rollout's course at this moment.

    Args:
        course: so far.
        carried_out: whether a living process carries it out.
        wish: what somebody wants of it that nobody has taken yet.
    """

    course: Course
    carried_out: bool
    wish: Wish | None


class Rollouts:
    """All rollouts below CHURN_HOME. May be used by several threads.

    Every method raises RolloutError if the store cannot be used.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._known: dict[int, tuple[list[Happening], list[Look]]] = {}
        self._lock = Lock()

    def all(self) -> list[Rollout]:
        """All of all services, newest first; those that are not over come first."""
        with self._store() as store:
            found = [rollout for service in store.services() for rollout in store.rollouts(service)]
        return sorted(found, key=lambda rollout: (rollout.over, -rollout.number))

    def moment(self, number: int) -> Moment:
        """The rollout of that number; RolloutError if there is none."""
        with self._store() as store, self._lock:
            rollout = store.rollout(number)
            happenings, looks = self._known.setdefault(number, ([], []))
            new = store.happenings(number, after=happenings[-1].number if happenings else 0)
            looks += filter(None, map(look, new))
            happenings += new
            course = Course(rollout, tuple(happenings), tuple(looks))
            if rollout.over:
                return Moment(course, carried_out=False, wish=None)
            return Moment(course, carried_out=store.controlled(rollout.service), wish=store.wished(number))

    def want(self, number: int, what: Literal["promote", "abort"], reason: str, *, at_any_hour: bool) -> None:
        """Leaves a wish to whoever carries the rollout out."""
        with self._store() as store:
            store.wish(store.rollout(number).number, what, reason, at_any_hour=at_any_hour)

    @contextmanager
    def _store(self) -> Iterator[Store]:
        with closing(Store(self._home)) as store:
            yield store
