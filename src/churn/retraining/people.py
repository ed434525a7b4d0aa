"""Which versions may have been trained on somebody's records in the log: their runs say the period of the rows."""

from collections.abc import Iterable

from churn.training.kept import LOG_FROM, LOG_UNTIL
from churn.training.registry import Registry


def find_log_versions(registry: Registry, name: str, times: Iterable[int]) -> set[str]:
    """Find the versions that were trained on the log of a time in which a subscriber has a record.

    Nobody keeps whose rows these were. So all of that time are named, also where the subscriber was left out.

    Args:
        name: of the registered model.
        times: of the subscriber's records, in microseconds since 1970.

    Raises:
        RegistryError: the store cannot be read.
    """
    moments = list(times)
    return {
        info.tags.get("model_version", f"number {info.number}")
        for info in registry.list_versions(name)
        if (period := read_period(info.tags.get(LOG_FROM), info.tags.get(LOG_UNTIL)))
        and any(period[0] <= moment <= period[1] for moment in moments)
    }


def read_period(first: str | None, last: str | None) -> tuple[int, int] | None:
    """Read the times of the first and the last row from a version's tags; None if it has none."""
    try:
        return (int(first or ""), int(last or ""))
    except ValueError:
        return None
