"""Client and service of different versions understand each other: new fields are optional for the client."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.earlier import EARLIER, THRESHOLD, earlier_json, lost
from support.processes import serving

from churn.client import ChurnClient
from churn.client.calls import HEALTH, Reply, build_prediction_call
from churn.errors import Nonsense

JSON = {"content-type": "application/json"}
ASK = """
import json, sys
import httpx2
sys.modules["httpx"] = httpx2  # its library for HTTP then; the new name has the same interface
from churn.client import ChurnClient
import churn
assert churn.__file__.startswith(sys.argv[2]), churn.__file__

with ChurnClient(sys.argv[1], budget_s=30) as client:
    answers = [
        client.predict(
            each["subscriber"], subscriber_key=each["headers"].get("X-Subscriber-Key"),
            language=each["headers"].get("Accept-Language"),
        )
        for each in json.load(sys.stdin)
    ]
    print(json.dumps([answers, client.health(), len(client.schema()["paths"])]))
"""


def read(answer: Any) -> Any:
    return build_prediction_call({}).read(Reply(200, JSON, json.dumps(answer).encode()))


@pytest.mark.parametrize("number", range(30))
def test_todays_client_reads_each_answer_of_the_earlier_service(number: int) -> None:
    answer = earlier_json("answers.json")[number]["answer"]
    assert read(answer) == answer


def test_todays_client_reads_the_health_of_the_earlier_service() -> None:
    health = {"status": "ok", "model_version": "v0.0.1", "model_path": "bundle"}
    assert HEALTH.read(Reply(200, JSON, json.dumps(health).encode())) == health


def add_fields(value: Any) -> Any:
    """The same with a field more in each object, as a later service may answer."""
    if isinstance(value, dict):
        return {name: add_fields(item) for name, item in value.items()} | {"of_a_later_version": {"deep": [1]}}
    return [add_fields(item) for item in value] if isinstance(value, list) else value


def test_todays_client_reads_the_answers_of_a_later_service() -> None:
    for asked in earlier_json("answers.json"):
        assert lost(asked["answer"], read(add_fields(asked["answer"]))) == []


def test_what_the_earlier_answers_have_stays_required() -> None:
    answer = earlier_json("answers.json")[0]["answer"]
    for name in answer:
        with pytest.raises(Nonsense, match=name):
            read({other: value for other, value in answer.items() if other != name})


def test_the_earlier_client_reads_what_todays_service_answers(tmp_path: Path) -> None:
    client = EARLIER / "client.zip"
    asked = [each for each in earlier_json("answers.json") if each["answer"]["model_version"] == "v0.0.1"]
    settings = {
        "MODEL_PATH": EARLIER / "bundles" / "streamflow" / "v0.0.1",
        "OFFER_POLICY": EARLIER / "policy.toml",
        "CHURN_THRESHOLD": THRESHOLD,
        "PREDICTION_LOG": "off",
    }
    with serving(tmp_path, "serve", **settings) as (address, _):
        done = subprocess.run(
            [sys.executable, "-c", ASK, address, client],
            env=os.environ | {"PYTHONPATH": str(client)},
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers, health, paths = json.loads(done.stdout)
        with ChurnClient(address, budget_s=30) as todays:
            assert health.items() <= todays.health().items()
    assert paths >= 5
    for then, now in zip(asked, answers, strict=True):
        assert lost(then["answer"], now, ignored={"prediction_id"}) == []
