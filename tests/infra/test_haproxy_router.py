"""The router for HAProxy, before a real one with the stack's configuration."""

import collections
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest
from support.balancer import Balancer, balancing
from support.processes import free_port, wait_until
from support.small_server import PREDICTION, http, small_server

from churn.errors import RolloutError, SettingsError
from churn.rollout.parts import open_router
from churn.rollout.routers.haproxy import HAProxy

SUBSCRIBERS = [f"key-{number}" for number in range(150)]


async def _answer(_: bytes) -> bytes:
    return http(200, PREDICTION)


@pytest.fixture(scope="module")
def balancer() -> Iterator[Balancer]:
    with ExitStack() as parts:
        stable, canary, baseline = (
            parts.enter_context(small_server(_answer)).removeprefix("http://") for _ in range(3)
        )
        found = parts.enter_context(balancing(stable, canary, BASELINE_ADDRESS=baseline))
        for name in ("stable", "canary", "baseline"):
            found.wait_until_up(name)
        yield found


@pytest.fixture
def router(balancer: Balancer) -> HAProxy:
    return HAProxy(balancer.admin)


def served_by(balancer: Balancer, keys: list[str | None]) -> list[str]:
    """Who answers each."""
    with httpx2.Client(base_url=balancer.address, trust_env=False) as client:
        return [
            client.post("/predict", headers={"X-Subscriber-Key": key} if key else {}).headers["X-Served-By"]
            for key in keys
        ]


@pytest.mark.parametrize("percent", [10, 50, 100, 0])
def test_requests_without_a_subscriber_are_dealt_out_exactly(balancer: Balancer, router: HAProxy, percent: int) -> None:
    router.set_weight(percent)
    assert router.read_weight() == percent
    counted = collections.Counter(served_by(balancer, [None] * 200))
    assert counted["canary"] == 2 * percent


@pytest.mark.parametrize(("percent", "baseline"), [(10, 10), (50, 50), (100, 0)])
def test_a_baseline_gets_as_many_requests_as_the_canary(balancer: Balancer, percent: int, baseline: int) -> None:
    router = HAProxy(balancer.admin, has_baseline=True)
    router.set_weight(percent)
    assert router.read_weight() == percent
    served_by(balancer, [None] * 400)  # HAProxy ends its round by the weights before
    counted = collections.Counter(served_by(balancer, [None] * 200))
    assert (counted["canary"], counted["baseline"]) == (2 * percent, 2 * baseline)


def test_a_baseline_that_no_rollout_has_gets_nothing(balancer: Balancer, router: HAProxy) -> None:
    HAProxy(balancer.admin, has_baseline=True).set_weight(10)
    router.set_weight(10)
    assert "baseline" not in served_by(balancer, [None] * 100)


def test_a_subscriber_stays_with_a_version_and_more_weight_moves_subscribers_to_the_canary_only(
    balancer: Balancer, router: HAProxy
) -> None:
    with_canary: set[str] = set()
    for percent in (0, 10, 50, 100):
        router.set_weight(percent)
        first, again = (served_by(balancer, [*SUBSCRIBERS]) for _ in range(2))
        assert first == again
        moved = {key for key, server in zip(SUBSCRIBERS, first, strict=True) if server == "canary"}
        assert with_canary <= moved
        assert len(moved) / len(SUBSCRIBERS) == pytest.approx(percent / 100, abs=0.08)
        with_canary = moved
    router.set_weight(0)
    assert set(served_by(balancer, [*SUBSCRIBERS])) == {"stable"}


def test_setting_a_weight_twice_is_setting_it_once(router: HAProxy) -> None:
    for _ in range(2):
        router.set_weight(30)
        assert router.read_weight() == 30


@pytest.mark.parametrize("percent", [-1, 101])
def test_what_is_no_share_is_refused_and_changes_nothing(router: HAProxy, percent: int) -> None:
    router.set_weight(20)
    with pytest.raises(SettingsError, match="from 0 to 100"):
        router.set_weight(percent)
    assert router.read_weight() == 20


def test_a_backend_that_was_moved_by_hand_is_noticed(router: HAProxy) -> None:
    router.set_weight(0)
    router.send("set weight subscribers/canary 25")
    assert router.read_weight() == 20


def test_a_canary_that_is_down_gets_nothing_and_is_told() -> None:
    with (
        small_server(_answer) as stable,
        balancing(stable.removeprefix("http://"), f"127.0.0.1:{free_port()}") as found,
    ):
        router = HAProxy(found.admin)
        wait_until(lambda: not router.is_healthy("canary"), "HAProxy sees the canary down")
        found.wait_until_up("stable")
        assert router.is_healthy("stable")
        with pytest.raises(RolloutError, match="sees the canary down"):
            router.set_weight(10)
        router.set_weight(0)


def test_haproxy_that_does_not_answer_is_named() -> None:
    with pytest.raises(RolloutError, match=r"HAProxy does not answer at 127\.0\.0\.1:1:"):
        HAProxy("127.0.0.1:1").read_weight()


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff",
        b"# pxname,svname\nservice,stable\n",
        b"# pxname,svname,status,weight,uweight,type\nservice,canary,,1,1,2\n",
        b"# pxname,svname,status,weight,uweight,type\nservice,canary,UP,NaN,NaN,2\n",
        b"# pxname,svname,status,weight,uweight,type\nservice,canary,UP,-1,-1,2\n",
        b"# pxname,svname,status,weight,uweight,type\nservice,canary,UP,1,1,2\nservice,canary,UP,1,1,2\n",
        b"x" * 5_000_000,
    ],
)
def test_an_answer_that_is_not_haproxys_is_told_in_a_sentence(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reply() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(RolloutError):
            HAProxy(f"127.0.0.1:{server.getsockname()[1]}").read_weight()
        thread.join()


@pytest.mark.parametrize("address", ["haproxy://", "haproxy://here", "nginx://127.0.0.1:1", "10"])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match=r"(HAProxy listens|is no router)"):
        open_router(address)
