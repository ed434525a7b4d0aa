"""A person's life in the system: predicted, shown, accepted, imported, exported, and erased without a trace."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from support.demo_bundle import write_demo_bundle
from support.examples import STREAMFLOW
from support.processes import churn, portal, serving, succeed
from support.tools import ROOT
from support.visiting import TOKEN, key_of

from churn.prediction_log.record import hash_key
from portal.store import ROWS_OF_SUBSCRIBER

SALT = "a-salt-of-enough-letters"
KEY = key_of(1)
OTHER = "somebody-else"


def run_portal(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "portal", *arguments],
        env={"CHURN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def list_files_that_hold(home: Path, *texts: str) -> list[str]:
    return [
        f"{path.relative_to(home)}: {text}"
        for path in sorted(home.rglob("*"))
        if path.is_file()
        for text in texts
        if text.encode() in path.read_bytes()
    ]


def visit(home: Path, service: str) -> None:
    """Opens Manage Subscription as this person, and accepts what is offered."""
    with (
        portal(home, SERVICE_URL=service, SERVICE_BUDGET_MS=5000) as address,
        httpx2.Client(base_url=address, trust_env=False) as visitor,
    ):
        token = read_token(visitor.get("/sign-in"))
        visitor.post("/sign-in", data={"form_token": token, "subscriber": KEY})
        page = visitor.get("/")
        for offer in re.findall(r'"(/offers/\w+)"', page.text)[:1]:
            visitor.post(offer, data={"form_token": read_token(visitor.get(offer))})


def read_token(page: httpx2.Response) -> str:
    token = TOKEN.search(page.text)
    assert token is not None
    return token[1]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A home in which a person has lived beside another, and the ids of this person's predictions."""
    home = tmp_path_factory.mktemp("life")
    write_demo_bundle(home.parent / "bundle")
    settings = {"PREDICTION_LOG_SALT": SALT, "CHURN_THRESHOLD": 0, "WORKERS": 1}
    with serving(home, "serve", MODEL_PATH=home.parent / "bundle", **settings) as (service, _):
        visit(home, service)
        ids = []
        for key in (KEY, KEY, OTHER):
            answer = httpx2.post(
                f"{service}/predict", json=STREAMFLOW.example(), headers={"X-Subscriber-Key": key}, trust_env=False
            )
            ids.append(answer.json()["prediction_id"])
    (home.parent / "by-id.csv").write_text(f"prediction_id,left\n{ids[0]},yes\n{ids[2]},no\n")
    (home.parent / "by-key.csv").write_text(f"subscriber,left,accepted\n{KEY},yes,no\n{OTHER},no,\n")
    for name in ("by-id.csv", "by-key.csv"):
        succeed(home, "outcomes", "import", home.parent / name, PREDICTION_LOG_SALT=SALT)
    return home, ids


def test_all_that_is_known_can_be_exported_and_erased(lived: tuple[Path, list[str]], tmp_path: Path) -> None:
    home, ids = lived
    hashed = hash_key(KEY, SALT)
    assert hashed is not None

    page = tmp_path / "about.html"
    exported = json.loads(succeed(home, "subscriber", "export", KEY, "--json", "--out", page, PREDICTION_LOG_SALT=SALT))
    assert {record["prediction_id"] for record in exported["predictions"]} >= set(ids[:2])
    assert all(record["subscriber"] == hashed for record in exported["predictions"])
    assert sorted(outcome["kind"] for outcome in exported["outcomes"]) == ["prediction_id", "subscriber"]
    assert ids[2] not in json.dumps(exported)
    assert "What went in" in page.read_text()
    shown = json.loads(run_portal(home, "subscriber", "export", KEY))
    assert [row["key"] for row in shown["subscribers"]] == [KEY]
    assert len(shown["exposures"]) == 1
    assert len(shown["accepted_offers"]) == len(shown["responses"]) == 1
    run_portal(home, "subscriber", "export", KEY, "--out", str(page))
    assert "What you were shown" in page.read_text()

    theirs = [KEY, hashed, *ids[:2], shown["exposures"][0]["prediction_id"]]
    assert list_files_that_hold(home, KEY, hashed) != []
    erased = churn(home, "subscriber", "erase", KEY, "--json", PREDICTION_LOG_SALT=SALT)
    assert erased.code == 9, erased.err
    counts = json.loads(erased.out)["erased"]["streamflow"]
    assert (counts["records"], counts["outcomes"]) == (len(exported["predictions"]), 2)
    assert json.loads(run_portal(home, "subscriber", "erase", KEY))["subscribers"] == 1
    assert list_files_that_hold(home, *theirs) == []

    other = json.loads(succeed(home, "subscriber", "export", OTHER, "--json", PREDICTION_LOG_SALT=SALT))
    assert [record["prediction_id"] for record in other["predictions"]] == [ids[2]]
    assert len(other["outcomes"]) == 2


def test_no_store_is_forgotten() -> None:
    code = [*(ROOT / "src").rglob("*.py"), *(ROOT / "portal").rglob("*.py")]
    stores = {name for path in code for name in re.findall(r"[\"/}]([\w-]*\.(?:db|sqlite))\b\"", path.read_text())}
    of_people = {".sqlite", "portal.sqlite"}  # the first is of outcomes: CONTRACT.sqlite
    assert stores - of_people == {"rollouts.db", "mlflow.db", "optuna.db", "sessions.sqlite"}  # counts and random ids
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", (ROOT / "portal" / "schema.sql").read_text())
    assert set(tables) == set(ROWS_OF_SUBSCRIBER)
