"""Clients that other people's generators make of the interface can ask everything, and are answered."""

import json
import shutil
from pathlib import Path

import httpx2
import pytest
from support.foreign import CLIENTS, run
from support.keys import PORTAL

from churn.businesses import find_contract

pytestmark = pytest.mark.xdist_group("clients")

SUBSCRIBER = find_contract("streamflow").example()
HEADERS = {"X-Subscriber-Key": "somebody", "X-Last-Offer": "2020-01-31", "Accept-Language": "de"}
TYPESCRIPT = ["--strict", "--module", "nodenext", "--target", "es2022", "--types", "node", "--skipLibCheck"]
# What the client itself is asked to send and read, typed as its generator says.
CALL_PYTHON = """
import json, sys
from generated import AuthenticatedClient, Client
from generated.api.default import health, predict, predict_batch
from generated.models import RetentionAnswer, Subscriber

keys = sys.argv[3:]
client = AuthenticatedClient(base_url=sys.argv[1], token=keys[0]) if keys else Client(base_url=sys.argv[1])
subscriber = Subscriber.from_dict(json.loads(sys.argv[2]))
answer = predict.sync(
    client=client,
    body=subscriber,
    reasons=2,
    x_subscriber_key="somebody",
    x_last_offer="2020-01-31",
    accept_language="de",
)
assert isinstance(answer, RetentionAnswer), answer
assert health.sync(client=client).status == "healthy"
assert predict_batch.sync(client=client, body=[subscriber]).predictions[0].churn_probability == answer.churn_probability
wrong = Subscriber.from_dict({**json.loads(sys.argv[2]), "tenure": -1})
assert predict.sync(client=client, body=wrong).errors[0].field == "tenure"
print(json.dumps(answer.to_dict()))
"""


@pytest.fixture(scope="module")
def document(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("interface") / "openapi.json"
    path.write_text(httpx2.get(f"{address}/openapi.json", trust_env=False).text)
    return path


@pytest.fixture(scope="module")
def expected(address: str) -> dict[str, object]:
    """What the service answers to the same question, without what is new in each answer."""
    asked = {"json": SUBSCRIBER, "headers": HEADERS, "params": {"reasons": "2"}, "trust_env": False}
    answer: dict[str, object] = httpx2.post(f"{address}/predict", **asked).json()  # type: ignore[arg-type]
    assert answer["retention"] is not None
    return comparable(answer)


@pytest.fixture(scope="module")
def places(address: str, guarded_address: str) -> list[list[str]]:
    """A service that asks for no key, and one that asks for this one."""
    return [[address], [guarded_address, PORTAL]]


def comparable(answer: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in answer.items() if name != "prediction_id"}


def test_a_linter_has_nothing_to_say(document: Path, node_modules: Path) -> None:
    said = run(node_modules / ".bin" / "redocly", "lint", "--format", "json", document, cwd=document.parent)
    assert json.loads(said[said.index("{") :])["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


def test_a_python_client_of_openapi_python_client(
    places: list[list[str]],
    document: Path,
    expected: dict[str, object],
    generate_python_client: list[str],
    tmp_path: Path,
) -> None:
    options: list[str | Path] = ["--path", document, "--output-path", tmp_path / "generated", "--meta", "none"]
    made = run(*generate_python_client, "generate", *options)
    assert "WARNING" not in made
    python = generate_python_client[0]
    for where, *key in places:
        answer = run(python, "-c", CALL_PYTHON, where, json.dumps(SUBSCRIBER), *key, PYTHONPATH=str(tmp_path))
        assert comparable(json.loads(answer)) == expected


@pytest.mark.parametrize(
    "generate",
    [
        ["openapi-typescript", "openapi.json", "-o", "schema.ts"],
        ["orval", "--input", "openapi.json", "--output", "orval.ts", "--client", "fetch"],
    ],
    ids=["openapi-typescript", "orval"],
)
def test_a_typescript_client(
    generate: list[str],
    *,
    places: list[list[str]],
    document: Path,
    expected: dict[str, object],
    node_modules: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules)
    shutil.copytree(CLIENTS / "node", tmp_path, dirs_exist_ok=True)
    shutil.copy(document, tmp_path / "openapi.json")
    tool, *options = generate
    run(node_modules / ".bin" / tool, *options, cwd=tmp_path)
    run(node_modules / ".bin" / "tsc", *TYPESCRIPT, f"call-{tool}.ts", cwd=tmp_path)
    for where, *key in places:
        answer = run("node", f"call-{tool}.js", where, json.dumps(SUBSCRIBER), *key, cwd=tmp_path)
        assert comparable(json.loads(answer)) == expected
