"""Answers what Argo Rollouts and Flagger ask, behind a token."""

from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from structlog.typing import FilteringBoundLogger

from churn.errors import DataError
from churn.verdicts.analysis import Analyst, Answer, BusyError
from churn.verdicts.questions import HOOKS, Hook, Question, question_from_call, read_call, read_question
from churn.web.edge import Edge
from churn.web.guard import Guard
from churn.web.tokens import TokenGuard, TokenRefusedError

NOT_NOW = 409  # Flagger goes on after 200 to 202 alone


def create_app(analyst: Analyst, token: str, log: FilteringBoundLogger) -> FastAPI:
    """Return the app. Each answer but that to /health/live takes the token."""
    tokens = TokenGuard(token, log, is_behind_proxy=False)
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Guard, log=log, build_problem_page=build_problem, page_cache="no-store")],
        exception_handlers={
            HTTPException: _show_problem,
            DataError: _show_wrong_question,
            BusyError: _show_busy,
            TokenRefusedError: _show_refused,
        },
    )
    app.state.edge = Edge(build_problem)

    async def ask(question: Question) -> Answer:
        answer = await run_in_threadpool(analyst.ask, question.analysis, question.weight)
        log.info("verdict", analysis=answer.analysis, verdict=answer.verdict.decision, reason=answer.verdict.reason)
        return answer

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/verdict")
    async def verdict(request: Request) -> Response:
        await tokens.require(request, _bearer(request))
        return JSONResponse(describe_answer(await ask(read_question(dict(request.query_params)))))

    @app.post("/flagger/{hook}")
    async def call(request: Request, hook: str) -> Response:
        body = await request.body()
        given = _bearer(request)
        if not given:
            given = read_call(body).token  # Flagger sends no header of one's own
        await tokens.require(request, given)
        if hook not in HOOKS:
            raise HTTPException(404, f"there is no hook {hook!r}, only {', '.join(HOOKS)}")
        answer = await ask(question_from_call(read_call(body)))
        status = 200 if goes_on(next(known for known in HOOKS if known == hook), answer) else NOT_NOW
        return PlainTextResponse(f"{answer.verdict.decision}: {answer.verdict.reason}", status)

    return app


def goes_on(hook: Hook, answer: Answer) -> bool:
    """Say whether a hook of Flagger succeeds."""
    decision = answer.verdict.decision
    if hook == "rollback":
        return decision == "roll back"
    if hook == "rollout":  # asked all the time, so a canary that is not proven yet goes on
        return decision != "roll back" and not answer.is_trouble
    return decision == "promote"


def describe_answer(answer: Answer) -> dict[str, Any]:
    """Return what Argo's web metric reads: `verdict` is promote, hold or roll back."""
    since = None if answer.since is None else datetime.fromtimestamp(answer.since, UTC).isoformat(timespec="seconds")
    return {
        "verdict": answer.verdict.decision,
        "reason": answer.verdict.reason,
        "analysis": answer.analysis,
        "since": since,
        "requests": {"stable": answer.requests.get("stable", 0), "canary": answer.requests.get("canary", 0)},
        "subscribers": answer.subscribers,
        "trouble": answer.is_trouble,
        "findings": [asdict(finding) for finding in answer.verdict.findings],
    }


def build_problem(status: int, detail: str | None = None) -> Response:
    """Return RFC 9457 problem details."""
    title = HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": title, "status": int(status), "detail": detail or title}
    return JSONResponse(problem, int(status), media_type="application/problem+json")


def _bearer(request: Request) -> str:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else ""


async def _show_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is for nothing else
    return build_problem(error.status_code, error.detail)


async def _show_wrong_question(_: Request, error: Exception) -> Response:
    assert isinstance(error, DataError)  # noqa: S101 - as above
    return build_problem(HTTPStatus.BAD_REQUEST, f"{error.message}; {error.instead}")


async def _show_busy(_: Request, __: Exception) -> Response:
    return build_problem(HTTPStatus.SERVICE_UNAVAILABLE, "another question is being answered; ask again")


async def _show_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, TokenRefusedError)  # noqa: S101 - as above
    if not error.wait_s:
        return build_problem(HTTPStatus.UNAUTHORIZED, "this is not JUDGE_TOKEN")
    response = build_problem(HTTPStatus.TOO_MANY_REQUESTS, "tokens were tried too often; wait")
    response.headers["Retry-After"] = str(round(error.wait_s) + 1)
    return response
