"""A contract changes under load: two live versions behind a real HAProxy, and a portal that sends either shape."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle, islice

import httpx2
import pytest
from support.balancer import balancing
from support.changed import MAKE, NEW, OLD, VERSIONS, write_business
from support.processes import serving

from churn.cli.rollout_control import require_versions
from churn.errors import RolloutError
from churn.rollout.routers.haproxy import HAProxy
from churn.rollout.state import Setup

CALLERS = 8
REQUESTS = 400  # of each step


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of a service of each version."""
    folder = tmp_path_factory.mktemp("changed")
    environments = {version: write_business(version, folder) for version in VERSIONS}

    subprocess.run([sys.executable, "-c", MAKE, *(folder / version for version in VERSIONS)], check=True)

    def serve(version: str) -> str:
        settings = {"MODEL_PATH": folder / version / "bundle", "PREDICTION_LOG": "off", **environments[version]}
        return running.enter_context(serving(folder / version, "serve", **settings))[0]

    with ExitStack() as running, ThreadPoolExecutor() as pool:
        yield dict(zip(VERSIONS, pool.map(serve, VERSIONS), strict=True))


def ask(address: str, *shapes: Mapping[str, object]) -> set[int]:
    """The statuses of many requests at once, of these shapes by turns."""

    def ask_one(shape: Mapping[str, object]) -> int:
        return client.post("/predict", json=shape).status_code

    with httpx2.Client(base_url=address, trust_env=False, timeout=30) as client, ThreadPoolExecutor(CALLERS) as pool:
        return set(pool.map(ask_one, islice(cycle(shapes), REQUESTS)))


def place(address: str) -> str:
    return address.removeprefix("http://")


@pytest.mark.parametrize(
    ("stable", "canary", "during", "after"),
    [("v1", "v2", [OLD], [OLD, NEW]), ("v2", "v3", [NEW], [NEW])],
    ids=["first the version that takes both shapes", "then, when the portal sends the new one, the last version"],
)
def test_no_request_is_refused_while_a_field_comes_one_is_renamed_and_one_goes(
    services: dict[str, str], stable: str, canary: str, during: list[dict[str, object]], after: list[dict[str, object]]
) -> None:
    with balancing(place(services[stable]), place(services[canary])) as balancer:
        for name in ("stable", "canary"):
            balancer.wait_until_up(name)
        router = HAProxy(balancer.admin)
        for percent, shapes in ((10, during), (50, during), (100, after)):
            router.set_weight(percent)
            assert ask(balancer.address, *shapes) == {200}
        assert balancer.wrong() == {}
        assert all(int(balancer.servers()[name]["hrsp_2xx"]) > 0 for name in ("stable", "canary"))


def test_to_skip_the_version_between_is_refused_before_anybody_asks(services: dict[str, str]) -> None:
    setup = Setup("haproxy:x", stable=(services["v1"],), canary=(services["v3"],))
    with pytest.raises(RolloutError, match="does not know bill, tickets, which everybody sends"):
        require_versions(setup, "v3")
    assert ask(services["v3"], OLD) == {422}
    for stable, canary in (("v1", "v2"), ("v2", "v3")):
        both = Setup("haproxy:x", stable=(services[stable],), canary=(services[canary],))
        assert require_versions(both, canary)["stable"].version == stable
