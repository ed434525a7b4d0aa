"""A limit on how often a secret may be tried, for each source and for all together."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

MOST_SOURCES = 10_000
HALF_OF_IPV6 = 64  # bits: one household or server has all addresses that begin so


@dataclass
class _Allowance:
    """A token bucket: `most` attempts at once, then one more in each `refill_s`."""

    most: int
    refill_s: float
    left: float
    at_s: float

    def take(self, now_s: float) -> float:
        """Take an attempt, and return 0; if there is none, return after how many seconds there is one."""
        self.left = min(self.most, self.left + (now_s - self.at_s) / self.refill_s)
        self.at_s = now_s
        if self.left < 1:
            return (1 - self.left) * self.refill_s
        self.left -= 1
        return 0.0


class Attempts:
    """Count attempts. A source has 5 at once, then one in each 10 s; all together have 60, then one in each second."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._everybody = _Allowance(60, 1.0, 60, now())
        self._sources: OrderedDict[str, _Allowance] = OrderedDict()

    def take(self, source: str) -> float:
        """Take an attempt, and return 0; if there is none, return after how many seconds there is one."""
        now_s = self._now()
        allowance = self._sources.pop(source, None) or _Allowance(5, 10.0, 5, now_s)
        self._sources[source] = allowance
        if len(self._sources) > MOST_SOURCES:
            self._sources.popitem(last=False)
        return allowance.take(now_s) or self._everybody.take(now_s)

    def forget(self, source: str) -> None:
        """Give a source all its attempts again, and take this one from nobody: it knew the secret."""
        if self._sources.pop(source, None):
            self._everybody.left += 1


def find_source(request: Request, *, is_behind_proxy: bool) -> str:
    """Return where a request comes from: an address, or of IPv6 the first half of it.

    Behind a proxy it is the last address in X-Forwarded-For, which the proxy has written. All others anybody can write.
    """
    host = request.client.host if request.client else ""
    if is_behind_proxy:
        host = request.headers.get("x-forwarded-for", host).rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.version == 4:  # noqa: PLR2004 - IPv4
        return str(address)
    return str(ipaddress.ip_network((address, HALF_OF_IPV6), strict=False))
