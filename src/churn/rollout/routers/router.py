"""What splits requests between the stable version and the canary, as far as a rollout needs it."""

from __future__ import annotations

from typing import Literal, Protocol

from churn.errors import RolloutError, SettingsError

type Track = Literal["stable", "canary"]
TRACKS: tuple[Track, Track] = ("stable", "canary")


class Router(Protocol):
    """Each call asks or tells the router itself; nothing is remembered.

    Every method raises RolloutError if the router cannot be reached, refuses, or does not know the two tracks.
    """

    def weight(self) -> float:
        """The canary's share of the requests at this moment, in percent."""

    def set_weight(self, percent: int) -> None:
        """Gives the canary that share, 0 to 100, and the stable version the rest; twice is as good as once."""

    def healthy(self, track: Track) -> bool:
        """Whether the router itself finds that the track can answer."""


def require_percent(percent: int) -> None:
    """Refuses what is no share, whatever the router behind it would let pass.

    Raises:
        SettingsError: it is not from 0 to 100.
    """
    if not 0 <= percent <= 100:  # noqa: PLR2004 - percent
        raise SettingsError(f"the canary's share is a whole number from 0 to 100, not {percent}")


def share(stable: float, canary: float) -> float:
    """The canary's share in percent, of two weights; 0 if neither gets anything."""
    return 100 * canary / (stable + canary) if stable + canary else 0.0


def router_at(address: str) -> Router:
    """The router that an address names, such as `haproxy://127.0.0.1:9999` or `alb:arn:aws:...`.

    Raises:
        SettingsError: it has another form.
        RolloutError: a library is missing or what it names is not there.
    """
    kind, separator, rest = address.partition(":")
    if separator and kind == "haproxy":
        from churn.rollout.routers.haproxy import HAProxy  # noqa: PLC0415 - one router is enough

        return HAProxy(rest.removeprefix("//"))
    if separator and kind == "alb":
        from churn.rollout.routers.alb import LoadBalancer  # noqa: PLC0415 - AWS's library takes a while to import

        return LoadBalancer(rest)
    raise SettingsError(
        f"{address} is no router", instead="write haproxy://HOST:PORT, haproxy:/PATH/OF/SOCKET or alb:LISTENER_ARN"
    )


def unchanged(wanted: float, found: float) -> RolloutError:
    """The error of a router that was told and did not do it."""
    return RolloutError(
        f"the router was told {wanted:g} % and says {found:g} %", instead="see its log; it is told again"
    )
