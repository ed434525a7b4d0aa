"""Shadow first: a service with a challenger, real segments, and the report on them."""

import json
from pathlib import Path

import httpx2
import numpy as np
import pytest
from support.demo_bundle import write_demo_bundle
from support.examples import STREAMFLOW
from support.processes import churn, serving, succeed

from churn.contract.sampling import draw_subscribers
from churn.model.bundle import Bundle

SUBSCRIBERS = 60


@pytest.fixture(scope="module")
def shadowed(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Bundle]) -> Path:
    """The home of a service that was shadowed and has stopped: by another model, and before that by itself."""
    home = tmp_path_factory.mktemp("home")
    champion, challenger = bundles["streamflow"].path, home / "challenger"
    write_demo_bundle(challenger)
    for path, count in ((champion, 5), (challenger, SUBSCRIBERS)):
        with serving(home, "serve", MODEL_PATH=champion, CHALLENGER_PATH=path) as (address, _):
            for subscriber in draw_subscribers(STREAMFLOW, np.random.default_rng(1), count):
                answer = httpx2.post(f"{address}/predict", json=subscriber.model_dump(), trust_env=False)
                assert answer.status_code == 200
    return home


def test_the_report_compares_the_models_that_answered_last(shadowed: Path) -> None:
    page, picture = shadowed / "report.html", shadowed / "report.png"
    done = churn(shadowed, "shadow", "report", "--json", "--since", "1h", "--out", page)
    assert done.code == 10, done.err  # two models that have nothing in common but the contract
    report = json.loads(done.out)
    assert (report["bundles"]["champion"], report["bundles"]["challenger"]) == ("v0.0.1", "v0.0.2")
    assert (report["pairs"], report["unpaired"], list(report["others"].values())) == (SUBSCRIBERS, 0, [5])
    assert report["verdict"]["decision"] == "roll back"
    assert sum(sum(row.values()) for row in report["tiers"].values()) == SUBSCRIBERS
    assert {group["grouping"] for group in report["groups"]} == {"risk tier", *STREAMFLOW.feature_names()}
    assert report["verdict"]["reason"].split(":")[0] in page.read_text(encoding="utf-8")
    assert "<script" not in page.read_text(encoding="utf-8")
    shown = churn(shadowed, "shadow", "report", "--out", picture)
    assert shown.code == 10
    assert "v0.0.2 is not to be rolled out" in shown.out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_model_beside_itself_is_not_yet_known_to_be_the_same(shadowed: Path) -> None:
    done = churn(shadowed, "shadow", "report", "--json", "--challenger", "v0.0.1")
    assert done.code == 9, done.err
    report = json.loads(done.out)
    assert report["pairs"] == 5
    assert set(report["means"].values()) == {0.0}


def test_an_answer_that_was_shadowed_is_replayed_like_any_other(shadowed: Path) -> None:
    [latest] = json.loads(succeed(shadowed, "predictions", "tail", "--count", "1", "--json"))
    assert latest["challenger_version"] == "v0.0.2"
    assert latest["challenger_probability"] is not None


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--challenger", "v9"], 3, "v9"),
        (["--since", "yesterday"], 2, "'yesterday' is no point in time"),
        (["--until", "2020-01-01"], 3, "no record"),
        (["--out", "report.pdf"], 2, "report.pdf has no known ending"),
    ],
)
def test_what_cannot_be_reported_is_said(shadowed: Path, arguments: list[str], code: int, says: str) -> None:
    done = churn(shadowed, "shadow", "report", *arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_a_service_does_not_start_with_a_challenger_of_another_contract(
    tmp_path: Path, bundles: dict[str, Bundle]
) -> None:
    done = churn(
        tmp_path, "serve", MODEL_PATH=bundles["streamflow"].path, CHALLENGER_PATH=bundles["telco"].path, PORT=1
    )
    assert done.code == 2
    assert "telco" in done.err
    assert "streamflow" in done.err
