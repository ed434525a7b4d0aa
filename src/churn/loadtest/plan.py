"""The plan of a load test: what to send, when, to which service, and which objective must hold."""

import json
import math
import socket
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.errors import LoadTestError, SettingsError

type Arrivals = Literal["uniform", "poisson"]
type Times = npt.NDArray[np.float64]

MOST_IN_FLIGHT = 10_000
MOST_REQUESTS = 10_000_000
PORTS = {"http": 80, "https": 443}
PATIENCE_S = 5.0
DIFFERENT = 10_000  # a longer run sends the same subscribers again, in the same order


def draw_arrivals(
    rate_per_s: float,
    arrivals: Arrivals,
    generator: np.random.Generator,
    *,
    requests: int | None = None,
    duration_s: float = math.inf,
) -> Times:
    """Return when the first `requests` are due, or all before `duration_s`, in rising seconds since the start.

    Uniform arrivals have equal gaps. Poisson arrivals have the random gaps of independent people.
    """
    if arrivals == "uniform":
        times = np.arange(np.ceil(rate_per_s * duration_s) if requests is None else requests) / rate_per_s
        return times[times < duration_s]
    if requests is not None:
        return np.cumsum(generator.exponential(1 / rate_per_s, requests))
    # The number of arrivals is Poisson, and each arrival is equally likely at any time.
    return np.sort(generator.uniform(0, duration_s, generator.poisson(rate_per_s * duration_s)))


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Send the next request of each connection when its last one is answered."""

    connections: int


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Send requests when they are due, however slow the answers are."""

    rate_per_s: float
    arrivals: Arrivals
    drain_s: float  # how long to wait for answers after the last request
    most_in_flight: int = MOST_IN_FLIGHT  # with so many unanswered, a due request is an error and is not sent


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """A load test."""

    url: str
    contract: str  # the payloads are drawn from it
    loop: ClosedLoop | OpenLoop
    requests: int | None  # how many to count; None if `duration_s` decides
    duration_s: float  # for how long to send; infinite if `requests` decides
    warmup: int  # requests sent before, not counted
    timeout_s: float  # a slower answer is an error
    seed: int  # of payloads and Poisson arrivals
    slo_p99_ms: float  # the 99th percentile of latency must be under it
    max_error_share: float  # of all requests, 0..1

    def __post_init__(self) -> None:
        """Refuse a plan whose samples would not fit into memory."""
        planned = self.requests or 0
        if self.requests is None and isinstance(self.loop, OpenLoop):
            planned = int(self.loop.rate_per_s * self.duration_s)
        if planned > MOST_REQUESTS:
            raise SettingsError(
                f"this would send {planned:,} requests; at most {MOST_REQUESTS:,} are kept track of",
                instead="choose a shorter duration, a lower rate or fewer requests",
            )


def build_target_url(address: str, path: str) -> str:
    """Join the service's address and a path, which may hold a query. Any other address raises SettingsError."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not match
        usable = False
    if not usable or parts.query or parts.fragment:
        raise SettingsError(
            f"{address!r} is not the address of an HTTP service", instead="give one such as http://127.0.0.1:8000"
        )
    return f"{address.rstrip('/')}/{path.lstrip('/')}"


def require_listener(url: str) -> None:
    """Connect once and hang up. Raise LoadTestError if nothing listens."""
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except socket.gaierror as error:
        raise LoadTestError(f"there is no host {host!r}", instead="mend the address, or the name service") from error
    except TimeoutError as error:
        raise LoadTestError(
            f"{host} port {port} does not answer within {PATIENCE_S:g} s",
            instead="see whether a firewall lies between, and whether the address is right",
        ) from error
    except OSError as error:
        raise LoadTestError(
            f"nothing listens at {host} port {port}: {error.strerror}",
            instead="start the service with `churn serve`, or give the address it listens at",
        ) from error


def draw_bodies(contract: type[Contract], seed: int, count: int = DIFFERENT) -> list[bytes]:
    """Draw random subscribers as JSON. The same seed gives the same bytes."""
    drawn = draw_columns(contract, np.random.default_rng(seed), count)
    columns = [values.tolist() for values in drawn.values()]
    return [json.dumps(dict(zip(drawn, row, strict=True))).encode() for row in zip(*columns, strict=True)]
