"""A canary that would refuse everybody is refused before it gets a request."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.exposing import Service, exposing

from churn.cli.rollout_control import require_versions
from churn.errors import RolloutError
from churn.rollout.sources import Prometheus
from churn.rollout.state import Setup

EARLIER = json.loads((Path(__file__).parents[2] / "fixtures" / "7b3a96c" / "openapi.json").read_text(encoding="utf-8"))


def document(*, required: list[str], optional: tuple[str, ...] = ()) -> bytes:
    subscriber = {"properties": {name: {} for name in (*required, *optional)}, "required": required}
    return json.dumps({"paths": EARLIER["paths"], "components": {"schemas": {"Subscriber": subscriber}}}).encode()


STABLE = document(required=["tenure"], optional=("bill",))


def start(stable: bytes, canary: bytes, *, fingerprint: str = "another") -> Any:
    """As `churn rollout start` asks both tracks."""
    services = Service("v1"), Service("v2", fingerprint=fingerprint)
    with exposing(services[0]) as one, exposing(services[1]) as other:
        one.document, other.document = stable, canary
        return require_versions(Setup("haproxy:x", stable=(one.address,), canary=(other.address,)), "v2")


def test_contracts_of_one_fingerprint_take_the_same_and_no_document_is_read() -> None:
    assert start(b"", b"", fingerprint="the contract's")["canary"].version == "v2"


@pytest.mark.parametrize(
    "canary",
    [document(required=["tenure"], optional=("bill", "plan")), document(required=[], optional=("tenure",))],
    ids=["a field more", "a field that callers may leave out is gone"],
)
def test_another_contract_that_takes_what_everybody_may_send_is_rolled_out(canary: bytes) -> None:
    assert start(STABLE, canary)["canary"].version == "v2"


@pytest.mark.parametrize(
    ("canary", "why"),
    [
        (document(required=["tenure", "plan"]), "it requires plan, which nobody sends yet"),
        (document(required=["bill"]), "it does not know tenure, which everybody sends"),
    ],
)
def test_a_canary_that_would_refuse_everybody_is_refused_with_the_fields(canary: bytes, why: str) -> None:
    with pytest.raises(RolloutError, match=f"422 to every request that v1 takes: {why}") as refused:
        start(STABLE, canary)
    assert "docs/changing-a-contract.md" in refused.value.instead


@pytest.mark.parametrize("unknown", [b"", b"[]", b"{}", b"not JSON"])
def test_a_contract_that_nobody_knows_is_not_taken_for_the_same(unknown: bytes) -> None:
    with pytest.raises(RolloutError, match=r"cannot be read|does not tell"):
        start(STABLE, unknown, fingerprint="")


def test_prometheus_alone_does_not_know_what_another_contract_takes() -> None:
    with pytest.raises(RolloutError, match="contracts of stable and canary differ"):
        Prometheus("http://127.0.0.1:9", {}).read_documents()
