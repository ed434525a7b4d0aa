"""A person's life in the system: predicted, shown, accepted, trained on, exported, and erased without a trace."""

import ast
import csv
import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import numpy as np
import pytest
from support.demo_bundle import write_demo_bundle
from support.examples import STREAMFLOW
from support.processes import churn, free_port, portal, serving, succeed, team_pages
from support.tools import ROOT
from support.visiting import TOKEN, key_of

from churn.contract.sampling import draw_demo_columns
from churn.prediction_log.record import hash_key
from portal.store import ROWS_OF_SUBSCRIBER

SALT = "a-salt-of-enough-letters"
TEAM_TOKEN = "letters-enough-for-it"  # noqa: S105 - of this test
KEY = key_of(1)
OTHER = "somebody-else"
HASHED = hash_key(KEY, SALT) or ""
# In a run the hash is another one, in bytes.
HASHED_FOR_TRAINING = blake2b(KEY.encode(), key=SALT.encode(), digest_size=16, person=b"training").digest()

# What lies below CHURN_HOME, and the tables in it. Whatever is new must be put into one of these, and be erased from if
# it holds something of a person.
PLACES_OF_PEOPLE = {"predictions", "outcomes", "mlflow", "portal"}
PLACES_OF_NOBODY = {
    "bundles",  # models, and rows that were drawn
    "data",  # invented people
    "optuna.db",
    "tuned",
    "rollouts",  # counts
    "images",
    "releases",
    "retraining",  # counts, and when
    "notices.json",  # which state was told last
    "dashboard",  # ended sessions, by a random number
    "team",
}
TABLES_OF_NOBODY = {"ended", "made_by", "rollout", "event", "wish", "past_events", "removal"}


class Life(NamedTuple):
    """A home in which a person has lived beside another, with the portal's team app still running.

    Args:
        ids: of two predictions of this person, and one of the other.
        settings: with which commands know salt and portal.
    """

    home: Path
    ids: list[str]
    settings: dict[str, str]


def write_training_file(path: Path) -> None:
    """Sixty people, this one among them."""
    columns = draw_demo_columns(STREAMFLOW, np.random.default_rng(0), 60)
    names = STREAMFLOW.feature_names()
    with path.open("w") as file:
        writer = csv.writer(file)
        writer.writerow([STREAMFLOW.id_column, *names, STREAMFLOW.label_column])
        for at in range(60):
            who = {0: KEY, 1: OTHER}.get(at, f"person-{at}")
            left = STREAMFLOW.label_values[int(columns["tenure"][at] < np.median(columns["tenure"]))]
            writer.writerow([who, *(str(columns[name][at]).lower() for name in names), left])


def list_places_of(home: Path, *texts: str | bytes) -> list[str]:
    """Search every file, SQLite's free pages and journals among them."""
    wanted = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return [
        f"{path.relative_to(home)}: {text!r}"
        for path in sorted(home.rglob("*"))
        if path.is_file()
        for content in [path.read_bytes()]
        for text in wanted
        if text in content
    ]


def visit(address: str) -> None:
    """Opens Manage Subscription as this person, and accepts what is offered."""
    with httpx2.Client(base_url=address, trust_env=False) as visitor:
        token = read_token(visitor.get("/sign-in"))
        visitor.post("/sign-in", data={"form_token": token, "subscriber": KEY})
        page = visitor.get("/")
        for offer in re.findall(r'"(/offers/\w+)"', page.text)[:1]:
            visitor.post(offer, data={"form_token": read_token(visitor.get(offer))})


def read_token(page: httpx2.Response) -> str:
    token = TOKEN.search(page.text)
    assert token is not None
    return token[1]


def predict(service: str, key: str) -> str:
    answer = httpx2.post(
        f"{service}/predict", json=STREAMFLOW.example(), headers={"X-Subscriber-Key": key}, trust_env=False
    )
    return str(answer.json()["prediction_id"])


def report(service: str, events: list[dict[str, str]], headers: dict[str, str]) -> None:
    assert httpx2.post(f"{service}/events", json=events, headers=headers, trust_env=False).status_code == 200


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    home = tmp_path_factory.mktemp("life")
    write_training_file(home.parent / "people.csv")
    training = subprocess.Popen(  # beside all else, for it takes longest
        [sys.executable, "-m", "churn", "train", str(home.parent / "people.csv"), "--model-version", "v9"],
        env={"CHURN_HOME": str(home), "PREDICTION_LOG_SALT": SALT},
        stdout=subprocess.DEVNULL,
    )
    write_demo_bundle(home / "bundles" / "streamflow" / "v0.0.2", draws=2000, trees=60)
    settings = {"PREDICTION_LOG_SALT": SALT, "CHURN_THRESHOLD": 0, "WORKERS": 1}
    with ExitStack() as running:
        service, _ = running.enter_context(
            serving(home, "serve", MODEL_PATH=home / "bundles" / "streamflow" / "v0.0.2", **settings)
        )
        subscribers = running.enter_context(portal(home, SERVICE_URL=service, SERVICE_BUDGET_MS=5000))
        team = running.enter_context(team_pages(home, SERVICE_URL=service, PORTAL_TEAM_TOKEN=TEAM_TOKEN))
        port = free_port()
        running.enter_context(serving(home, "dashboard", DASHBOARD_PORT=port, PREDICTION_LOG_SALT=SALT))
        visit(subscribers)
        ids = [predict(service, key) for key in (KEY, KEY, OTHER)]
        report(service, [{"prediction_id": ids[0], "event": "seen"}], {})
        report(service, [{"prediction_id": "0" * 32, "event": "dismissed"}], {"X-Subscriber-Key": KEY})
        report(service, [{"prediction_id": ids[2], "event": "seen"}], {})
        (home.parent / "by-id.csv").write_text(f"prediction_id,left\n{ids[0]},yes\n{ids[2]},no\n")
        today = datetime.now(UTC).date()
        theirs = f"{KEY},yes,no,{today}\n{OTHER},no,,\n"
        (home.parent / "by-key.csv").write_text(f"subscriber,left,accepted,left_on\n{theirs}")
        for name in ("by-id.csv", "by-key.csv"):
            succeed(home, "outcomes", "import", home.parent / name, PREDICTION_LOG_SALT=SALT)
        for page in ("/", "/outcomes", "/metrics"):
            assert httpx2.get(f"http://127.0.0.1:{port}{page}", trust_env=False, timeout=60).status_code == 200
        assert training.wait(120) == 0
        yield Life(home, ids, {"PREDICTION_LOG_SALT": SALT, "PORTAL_URL": team, "PORTAL_TEAM_TOKEN": TEAM_TOKEN})


def test_all_that_is_known_can_be_exported_and_erased(life: Life, tmp_path: Path) -> None:
    home, ids, settings = life
    page = tmp_path / "about.html"
    exported = json.loads(succeed(home, "subscriber", "export", KEY, "--json", "--out", page, **settings))
    require_all_of_it(exported, ids)
    require_readable(page.read_text(), exported)

    theirs: list[str | bytes] = [KEY, HASHED, HASHED_FOR_TRAINING, bytes.fromhex(HASHED), *ids[:2]]
    theirs.append(exported["portal"]["exposures"][0]["prediction_id"])
    assert {place.name for place in home.iterdir()} <= PLACES_OF_PEOPLE | PLACES_OF_NOBODY
    assert {place.split("/")[0] for place in list_places_of(home, *theirs)} == PLACES_OF_PEOPLE
    erased = churn(home, "subscriber", "erase", KEY, "--json", **settings)
    assert erased.code == 9, erased.err
    told = json.loads(erased.out)
    counts = told["erased"]["streamflow"]
    assert (counts["records"], counts["events"], counts["outcomes"]) == (len(exported["predictions"]), 4, 2)
    assert told["versions"]["streamflow"]["trained_with"] == ["v9"]
    assert told["portal"] == {"accepted_offers": 1, "responses": 1, "exposures": 1, "subscribers": 1}
    assert list_places_of(home, *theirs) == []

    other = json.loads(succeed(home, "subscriber", "export", OTHER, "--json", **settings))
    assert [record["prediction_id"] for record in other["predictions"]] == [ids[2]]
    assert len(other["outcomes"]) == 2
    assert [event["prediction_id"] for event in other["banner_events"]] == [ids[2]]
    assert other["versions"]["streamflow"]["trained_with"] == ["v9"]


def require_all_of_it(exported: dict[str, Any], ids: list[str]) -> None:
    assert {record["prediction_id"] for record in exported["predictions"]} >= set(ids[:2])
    assert all(record["subscriber"] == HASHED for record in exported["predictions"])
    # Two are reported here, and two by the portal.
    events = sorted(event["event"] for event in exported["banner_events"])
    assert events == ["accepted", "dismissed", "seen", "seen"]
    assert sorted(outcome["kind"] for outcome in exported["outcomes"]) == ["prediction_id", "subscriber"]
    today = datetime.now(UTC).date()
    assert {date.fromisoformat(outcome["left_on"]) for outcome in exported["outcomes"] if outcome["left_on"]} <= {
        today - timedelta(days=1),  # a test may run at midnight
        today,
    }
    assert sum(outcome["left_on"] is not None for outcome in exported["outcomes"]) == 1
    assert ids[2] not in json.dumps(exported)
    assert {table: len(rows) for table, rows in exported["portal"].items()} == dict.fromkeys(ROWS_OF_SUBSCRIBER, 1)
    assert exported["versions"]["streamflow"]["trained_with"] == ["v9"]
    for record in exported["predictions"]:
        change = record["would_have_changed"]
        assert change["moved"]
        assert change["probability"] < record["probability"]


def require_readable(page: str, exported: dict[str, Any]) -> None:
    text = html.unescape(page)
    for words in (
        "What was predicted and decided",
        "month-to-month",
        "accepted the offer",
        "saw the banner",
        "streamflow v9",
    ):
        assert words in text
    assert "What this page lacks" not in text
    for record in exported["predictions"]:
        assert f"would have been {record['would_have_changed']['probability']:.1%} in place of" in text


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        ({"PORTAL_TEAM_TOKEN": "w" * 16}, 1, "the portal refuses with status 401: that is not its token"),
        ({"PORTAL_URL": "http://127.0.0.1:9"}, 1, "the portal at http://127.0.0.1:9 cannot be reached"),
        ({"PORTAL_TEAM_TOKEN": ""}, 2, "PORTAL_URL is set without PORTAL_TEAM_TOKEN"),
    ],
    ids=["wrong token", "nobody there", "no token"],
)
def test_a_portal_that_does_not_erase_is_told_in_a_sentence_after_all_else_is_done(
    life: Life, setting: dict[str, str], code: int, said: str, tmp_path: Path
) -> None:
    done = churn(tmp_path, "subscriber", "erase", KEY, "--json", **{**life.settings, **setting})
    assert (done.code, KEY in done.err) == (code, False)
    assert said in done.err
    if code == 1:
        assert json.loads(done.out)["portal"] is None


def test_no_place_and_no_table_is_forgotten() -> None:
    files = [path for folder in ("src", "portal") for path in (ROOT / folder).rglob("*.py")]
    assert {place for path in files for place in find_places(path)} == PLACES_OF_PEOPLE | PLACES_OF_NOBODY
    texts = [path.read_text() for path in [*files, *(ROOT / "portal").rglob("*.sql")]]
    tables = {name for text in texts for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text)}
    assert tables == {*ROWS_OF_SUBSCRIBER, "outcome", "left_on", "outcome_detail"} | TABLES_OF_NOBODY


def find_places(path: Path) -> Iterator[str]:
    """Find what a module names directly below CHURN_HOME; the name of a constant is that of its place."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and is_home(node.left):
            yield ast.unparse(node.right).strip("'").lower()


def is_home(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="resolve")):
            return is_home(inner)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in {"home", "churn_home"}
    return False
