"""The examples for other portals keep the budget's rules: one repetition where it helps, none on 4xx, and an end."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from support.foreign import require, run
from support.keys import PORTAL, STRANGER
from support.processes import free_port
from support.small_server import http, read_attempts, small_server

from churn.businesses import find_contract
from churn.service.edge.request_ids import MACHINE_MADE

pytestmark = pytest.mark.xdist_group("clients")

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SUBSCRIBER = json.dumps(find_contract("streamflow").example())
ANSWER = http(200, b'{"churn_probability":0.25}', b"Content-Type: application/json")


@pytest.fixture(scope="module", params=["predict.sh", "Predict.java", "predict.ts"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of an example. What needs compiling is compiled first."""
    source, made = EXAMPLES / request.param, tmp_path_factory.mktemp("example")
    if source.suffix == ".java":
        run(require("javac", "default-jdk-headless"), "-d", made, "-Xlint:all", "-Werror", source)
        return [require("java", "default-jdk-headless"), "-cp", str(made), source.stem]
    if source.suffix == ".ts":
        modules: Path = request.getfixturevalue("node_modules")
        shutil.copy(source, made)
        (made / "package.json").write_text('{"type": "module"}')
        (made / "node_modules").symlink_to(modules)
        options = ["--strict", "--module", "nodenext", "--target", "es2022", "--types", "node", "--skipLibCheck"]
        run(modules / ".bin" / "tsc", *options, source.name, cwd=made)
        return ["node", str(made / "predict.js")]
    require("curl", "curl")
    return [str(source)]


def ask(command: list[str], address: str, budget_ms: int = 20_000, **environment: str) -> tuple[int, str]:
    """The exit code and the answer; by default in more time than a new JVM takes."""
    done = subprocess.run(
        [*command, address, "somebody", str(budget_ms)],
        env=os.environ | environment,
        input=SUBSCRIBER,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_it_gets_the_answer_of_a_real_service(command: list[str], address: str) -> None:
    code, out = ask(command, address)
    assert code == 0
    assert json.loads(out)["retention"]["arm"] in {"treatment", "holdout"}


def test_it_sends_the_key_that_the_service_asks_for(command: list[str], guarded_address: str) -> None:
    assert ask(command, guarded_address, CHURN_API_KEY=PORTAL)[0] == 0
    assert ask(command, guarded_address, CHURN_API_KEY=STRANGER) == (1, "")
    assert ask(command, guarded_address) == (1, "")


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415, 422, 429, 500])
def test_a_refusal_is_not_asked_again(command: list[str], status: int) -> None:
    bodies = []

    async def refuse(body: bytes) -> bytes:
        bodies.append(body)
        return http(status, b"{}")

    with small_server(refuse) as address:
        assert ask(command, address) == (1, "")
    assert [json.loads(body) for body in bodies] == [json.loads(SUBSCRIBER)]


def test_a_connection_that_breaks_is_repeated_once(command: list[str]) -> None:
    replies = [None, ANSWER]

    async def hang_up_first(_: bytes) -> bytes | None:
        return replies.pop(0)

    heads: list[str] = []
    with small_server(hang_up_first, heads) as address:
        code, out = ask(command, address)
    assert (code, json.loads(out)) == (0, {"churn_probability": 0.25})
    (first, one), (again, two) = read_attempts(heads)
    assert (first, one, two) == (again, "1", "2")
    assert MACHINE_MADE.fullmatch(first.encode())


def test_connections_that_always_break_are_asked_twice_and_no_more(command: list[str]) -> None:
    asked = []

    async def hang_up(body: bytes) -> None:
        asked.append(body)

    with small_server(hang_up) as address:
        assert ask(command, address) == (1, "")
    assert len(asked) == 2


def test_without_a_service_it_ends_without_an_answer(command: list[str]) -> None:
    assert ask(command, f"http://127.0.0.1:{free_port()}") == (1, "")


def test_a_service_that_never_answers_is_not_waited_for(command: list[str]) -> None:
    asked = []

    async def wait(body: bytes) -> bytes:
        asked.append(body)
        await asyncio.sleep(60)
        return ANSWER

    began = time.monotonic()
    with small_server(wait) as address:
        assert ask(command, address, budget_ms=2000) == (1, "")
        assert time.monotonic() - began < 40  # the answer would have come after 60 s
    assert len(asked) == 1
