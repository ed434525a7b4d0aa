"""What runs both versions, where a rollout starts and stops it too; elsewhere somebody else does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from churn.errors import SettingsError
from churn.rollout.routers.router import Track


class Fleet(Protocol):
    """Each call does what is still to be done, so that it may be called as often as one likes.

    Every method raises RolloutError if whoever runs the tasks cannot be reached or refuses.
    """

    def provide(self, percent: int) -> str:
        """Has as many of the canary's tasks as that share takes; says what is still missing, nothing if they run."""

    def take_over(self, version: str) -> str:
        """Has the stable tasks run the canary's version; says what is still missing, nothing if all of them do."""

    def retire(self) -> None:
        """Stops the canary's tasks; it must have no requests any more."""

    def addresses(self) -> Mapping[Track, Sequence[str]]:
        """Where each task answers at this moment, such as `http://10.0.1.7:8000`."""


def fleet_at(address: str) -> Fleet:
    """The fleet that an address names, such as `ecs:streamflow-churn-api`.

    Raises:
        SettingsError: it has another form.
        RolloutError: a library is missing.
    """
    kind, _, cluster = address.partition(":")
    if kind == "ecs" and cluster:
        from churn.rollout.fleets.ecs import Ecs  # noqa: PLC0415 - AWS's library takes a while to import

        return Ecs(cluster)
    raise SettingsError(f"{address} is no fleet", instead="write ecs:CLUSTER, the cluster's name or ARN at AWS")
