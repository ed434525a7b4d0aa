"""The protocol of a router, and what all routers share."""

from typing import Literal, Protocol

from churn.errors import RolloutError, SettingsError

type Track = Literal["stable", "canary", "baseline"]
TRACKS: tuple[Track, Track] = ("stable", "canary")  # a baseline is not always there
BASELINE: Track = "baseline"
NEARLY_PERCENT = 0.5  # two weights may not give a whole number of percent


class Router(Protocol):
    """Split the requests between the stable version, the canary, and a baseline if the rollout has one.

    Each call asks the router itself.

    Every method raises RolloutError if the router cannot be reached, refuses, or does not know the two tracks.
    """

    def read_weight(self) -> float:
        """Return the canary's present share of the requests, in percent."""

    def set_weight(self, percent: int) -> None:
        """Give the canary that share, 0 to 100, a baseline as much, and stable the rest. It may be repeated."""

    def is_healthy(self, track: Track) -> bool:
        """Return whether the router itself finds that the track can answer."""


def move_weight(router: Router, percent: int) -> None:
    """Set the canary's share and read it back.

    Raises:
        RolloutError: the router cannot be reached, refuses, or has another share afterwards.
    """
    router.set_weight(percent)
    actual = router.read_weight()
    if abs(actual - percent) > NEARLY_PERCENT:
        raise RolloutError(
            f"the router was told {percent:g} % and says {actual:g} %", instead="see its log; it is told again"
        )


def require_percent(percent: int) -> None:
    """Refuse a number that is not from 0 to 100, even if the router would accept it."""
    if not 0 <= percent <= 100:  # noqa: PLR2004 - percent
        raise SettingsError(f"the canary's share is a whole number from 0 to 100, not {percent}")


def split_percent(percent: int, *, has_baseline: bool) -> dict[Track, int]:
    """Return the share of each track. A baseline gets as much as the canary, or what is left beside it."""
    require_percent(percent)
    baseline = min(percent, 100 - percent) if has_baseline else 0
    return {"stable": 100 - percent - baseline, "canary": percent, BASELINE: baseline}


def percent_from_weights(stable: float, canary: float) -> float:
    """Return the canary's share in percent; 0 if both weights are 0."""
    return 100 * canary / (stable + canary) if stable + canary else 0.0
