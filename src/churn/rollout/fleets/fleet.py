"""The protocol of a fleet: what starts and stops the tasks of all tracks."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from churn.rollout.routers.router import Track


class Fleet(Protocol):
    """Run the tasks of both versions, and of a baseline if the rollout has one.

    Each call does what is still missing, so it may be repeated.

    Every method raises RolloutError if the fleet cannot be reached or refuses.
    """

    def start_canary(self, percent: int) -> str:
        """Start as many tasks of the canary and its baseline as that share needs. Return what is still missing."""

    def replace_stable(self, version: str) -> str:
        """Have the stable tasks run the canary's version. Return what is still missing; empty once all do."""

    def stop_canary(self) -> None:
        """Stop the tasks of the canary and its baseline; they must have no requests any more."""

    def find_addresses(self) -> Mapping[Track, Sequence[str]]:
        """Return the present address of each task, such as `http://10.0.1.7:8000`."""
