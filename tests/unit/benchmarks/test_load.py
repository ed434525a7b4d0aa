"""wrk is told what to send, its answer is read, and the rivals read a subscriber as the contract does."""

import json
import re

import numpy as np
import pytest

from benchmarks import wrk
from benchmarks.comparison import MODELS, select
from benchmarks.payloads import COUNT, build_wrk_script, draw_requests
from benchmarks.run import parse_arguments
from benchmarks.systems import SYSTEMS
from benchmarks.systems.wire import CODES, FEATURES, Subscriber, build_answer, encode
from churn.businesses import find_contract
from churn.contract.sampling import draw_subscribers

CONTRACT = find_contract("streamflow")


def test_a_result_is_read_from_among_what_else_wrk_says() -> None:
    times = {"p50_us": 1500, "p99_us": 9000, "answered_p99_us": 9500}
    result = {"requests": 300, "duration_us": 3_000_000, **times, "errors": 2}
    assert wrk.parse(f"Running 3s test\nRESULT {json.dumps(result)}\n") == {
        "requests_per_s": 100.0,
        "p50_ms": 1.5,
        "p99_ms": 9.0,
        "answered_p99_ms": 9.5,
        "errors": 2,
    }


def test_what_wrk_complains_of_is_passed_on() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_the_script_sends_every_subscriber_as_the_server_wants_it() -> None:
    requests = draw_requests(CONTRACT)
    script = build_wrk_script("/invocations", requests, lambda request: {"rows": [request]})
    bodies = [json.loads(body) for body in re.findall(r"\[==\[(.*)\]==\]", script)]
    assert bodies == [{"rows": [request]} for request in requests]
    assert len(bodies) == COUNT
    assert 'wrk.format("POST", "/invocations"' in script


def test_the_rivals_read_a_subscriber_as_the_contract_does() -> None:
    assert CONTRACT.feature_names() == FEATURES
    assert {spec.name: spec.categories for spec in CONTRACT.features if spec.categories} == CODES
    for subscriber in draw_subscribers(CONTRACT, np.random.default_rng(0), 20):
        assert tuple(encode(Subscriber.model_validate(subscriber.model_dump()))) == subscriber.encode()


def test_the_rivals_give_the_three_strongest_reasons() -> None:
    given = build_answer([1.0] * 10, [0.0, -3.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.5], 0.61)
    assert [reason.feature for reason in given.top_reasons] == [FEATURES[1], FEATURES[4], FEATURES[2]]
    assert (given.risk_tier, given.show_retention_banner) == ("high", True)


def test_only_narrows_what_it_names_and_nothing_else() -> None:
    asked = parse_arguments(["--quick", "--only", "ours", "champion"])
    assert select(MODELS, asked.only, MODELS) == ["champion"]
    assert [system.name for system in select(SYSTEMS, asked.only, [system.name for system in SYSTEMS])] == ["ours"]
    assert select([1, 8, 32], asked.only, ["1", "8", "32"]) == [1, 8, 32]


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--only", "nonsense"])
    assert "nonsense" in capsys.readouterr().err
