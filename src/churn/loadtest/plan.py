"""What is to be run, against what, and what it must hold."""

from __future__ import annotations

import json
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


def draw_first_arrivals(rate_per_s: float, arrivals: Arrivals, generator: np.random.Generator, requests: int) -> Times:
    """When the first so many requests are due: rising times in seconds since the start.

    Args:
        rate_per_s: how many are due in a second; with Poisson arrivals on average.
        arrivals: `uniform` has equal gaps, `poisson` the random ones of people who do not know of each other.
        generator: of Poisson arrivals.
        requests: how many.
    """
    if arrivals == "uniform":
        return np.arange(requests) / rate_per_s
    return np.cumsum(generator.exponential(1 / rate_per_s, requests))


def draw_arrivals_until(
    rate_per_s: float, arrivals: Arrivals, generator: np.random.Generator, duration_s: float
) -> Times:
    """Likewise, all that are due before `duration_s`."""
    if arrivals == "uniform":
        times = np.arange(np.ceil(rate_per_s * duration_s)) / rate_per_s
        return times[times < duration_s]
    # Of a Poisson process the number of arrivals in a span is Poisson, and each is equally likely at any time of it.
    return np.sort(generator.uniform(0, duration_s, generator.poisson(rate_per_s * duration_s)))


MOST_IN_FLIGHT = 10_000
MOST_REQUESTS = 10_000_000


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Each connection sends its next request when its last one is answered."""

    connections: int


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests are sent when they are due, however slow the answers are.

    Args:
        rate_per_s: requests in a second.
        arrivals: how they are spread.
        drain_s: how long after the last request is sent to wait for answers.
        most_in_flight: a request that is due while so many are unanswered is not sent, and counts as an error.
    """

    rate_per_s: float
    arrivals: Arrivals
    drain_s: float
    most_in_flight: int = MOST_IN_FLIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """A load test.

    Args:
        url: where each request is posted to.
        contract: the name of the contract the payloads are drawn from.
        loop: what decides when a request is sent.
        requests: how many to count; None if `duration_s` decides.
        duration_s: for how long to send; without limit if `requests` decides.
        warmup: requests sent before, which are not counted.
        timeout_s: an answer that takes longer is an error.
        seed: of payloads and Poisson arrivals.
        slo_p99_ms: the 99th percentile of latency must be under it.
        max_error_share: the share of requests, 0..1, that may fail.
    """

    url: str
    contract: str
    loop: ClosedLoop | OpenLoop
    requests: int | None
    duration_s: float
    warmup: int
    timeout_s: float
    seed: int
    slo_p99_ms: float
    max_error_share: float

    def __post_init__(self) -> None:
        """Refuses what would not fit into memory before anything is made of it."""
        planned = self.requests or 0
        if self.requests is None and isinstance(self.loop, OpenLoop):
            planned = int(self.loop.rate_per_s * self.duration_s)
        if planned > MOST_REQUESTS:
            raise SettingsError(
                f"this would send {planned:,} requests; at most {MOST_REQUESTS:,} are kept track of",
                instead="choose a shorter duration, a lower rate or fewer requests",
            )


PORTS = {"http": 80, "https": 443}
PATIENCE_S = 5.0


def build_target_url(address: str, path: str) -> str:
    """The URL to post to.

    Args:
        address: the service's base address, such as `http://127.0.0.1:8000`.
        path: what to call there, such as `/predict`; may hold a query.

    Raises:
        SettingsError: the address is not that of an HTTP service.
    """
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
    """Connects once and hangs up.

    Raises:
        LoadTestError: nobody is there to connect to.
    """
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


DIFFERENT = 10_000
"""A longer run sends the same subscribers again, in the same order."""


def draw_bodies(contract: type[Contract], seed: int, count: int = DIFFERENT) -> list[bytes]:
    """So many JSON objects; the same seed gives the same bytes."""
    drawn = draw_columns(contract, np.random.default_rng(seed), count)
    columns = [values.tolist() for values in drawn.values()]
    return [json.dumps(dict(zip(drawn, row, strict=True))).encode() for row in zip(*columns, strict=True)]
