"""Argo's web metric and Flagger's webhooks get answers that they understand, and nobody else gets any."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from support.in_process import InProcess
from support.verdicts import Watched, watching

from churn.judging.judge import Verdict
from churn.verdicts.analysis import LEAST_S, Answer
from churn.verdicts.app import create_app, goes_on
from churn.verdicts.questions import HOOKS

TOKEN = "x" * 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def asking(**changes: Any) -> Iterator[tuple[InProcess, Watched]]:
    with watching(**changes) as watched, InProcess(create_app(watched.analyst, TOKEN, structlog.get_logger())) as app:
        yield app, watched


def flagger(app: InProcess, watched: Watched, hook: str, **changed: Any) -> tuple[int, str]:
    """What Flagger sends, as its types have it, and what it is answered."""
    watched.now_s += LEAST_S
    payload = {"name": "api", "namespace": "churn", "phase": "Progressing", "checksum": "85d557f47b"}
    body = payload | {"metadata": {"token": TOKEN, "weight": "10"}} | changed
    response = app.request("POST", f"/flagger/{hook}", content=json.dumps(body))
    return response.status_code, response.text


def test_argo_reads_a_verdict_from_the_json() -> None:
    with asking() as (app, watched):
        assert app.get("/verdict?analysis=7d9f&weight=10", headers=BEARER).json() == {
            "verdict": "hold",
            "reason": "the analysis has just begun",
            "analysis": "7d9f",
            "since": app.get("/verdict?analysis=7d9f&weight=10", headers=BEARER).json()["since"],
            "requests": {"stable": 0, "canary": 0},
            "subscribers": None,
            "trouble": False,
            "findings": [],
        }
        watched.answer()
        watched.now_s += LEAST_S
        answer = app.get("/verdict?analysis=7d9f&weight=10", headers=BEARER).json()
        assert (answer["verdict"], answer["requests"]) == ("promote", {"stable": 5400, "canary": 600})
        assert all(finding["decision"] == "promote" for finding in answer["findings"])


def test_flagger_goes_on_promotes_and_rolls_back_as_the_verdict_says() -> None:
    with asking() as (app, watched):
        assert flagger(app, watched, "rollout")[0] == 200
        watched.answer(50)
        assert [flagger(app, watched, hook)[0] for hook in HOOKS] == [200, 409, 409, 409]
        watched.answer()
        assert [flagger(app, watched, hook)[0] for hook in HOOKS] == [200, 200, 200, 409]
        watched.answer(300, errors=600)
        status, said = flagger(app, watched, "confirm-promotion")
        assert (status, said[:10]) == (409, "roll back:")
        assert [flagger(app, watched, hook)[0] for hook in HOOKS] == [409, 409, 409, 200]


def test_a_canary_that_cannot_be_judged_does_not_go_on_and_is_not_sent_back() -> None:
    unknown = Answer(Verdict("hold", "Prometheus does not answer"), "a", is_trouble=True)
    assert [goes_on(hook, unknown) for hook in HOOKS] == [False] * 4


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_without_the_token_nothing_is_told(headers: dict[str, str]) -> None:
    with asking() as (app, watched):
        assert app.get("/verdict?analysis=a", headers=headers).json() == {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "this is not JUDGE_TOKEN",
        }
        assert flagger(app, watched, "rollout", metadata={"token": "wrong"})[0] == 401
        assert flagger(app, watched, "rollout", metadata={})[0] == 401
        assert app.get("/health/live").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "analysis: Field required"),
        ("analysis=", "analysis: String should have at least 1 character"),
        (f"analysis={'a' * 254}", "analysis: String should have at most 253 characters"),
        ("analysis=a&weight=100", "weight: Input should be less than or equal to 99"),
        ("analysis=a&weight=ten", "weight: Input should be a valid integer"),
        ("analysis=a&wieght=10", "wieght: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(query: str, said: str) -> None:
    with asking() as (app, _):
        response = app.get(f"/verdict?{query}", headers=BEARER)
        assert response.status_code == 400
        assert said in response.json()["detail"]
        assert "ask as /verdict?analysis=NAME&weight=10" in response.json()["detail"]


def test_a_wrong_call_of_flagger_is_told_what_is_wrong() -> None:
    with asking() as (app, watched):
        status, said = flagger(app, watched, "rollout", metadata={"token": TOKEN, "weight": "all"})
        assert (status, "give `weight` in the metadata" in said) == (400, True)
        assert flagger(app, watched, "post-rollout")[0] == 404
        for body in (b"", b"[]", b"\xff", b"{" * 4000, b'{"name": "a"}'):
            assert app.request("POST", "/flagger/rollout", content=body, headers=BEARER).status_code == 400
        assert app.request("POST", "/flagger/rollout", content=b"x" * 9000, headers=BEARER).status_code == 413
