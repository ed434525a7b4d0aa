"""What every request gets, however it ends: three headers, one log line, one count and an answer."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from churn.contract.wording import cut
from churn.judging.metrics import BUG, NOT_ANSWERED, NOT_HTTP, PREDICT_ROUTE
from churn.service.counting.counters import Counters, kind_from_status
from churn.service.edge.callers import Callers
from churn.service.edge.drain import Drain
from churn.service.edge.parameters import find_key, is_sent_again
from churn.service.edge.problems import Problem
from churn.service.edge.request_ids import RequestIds, make_request_id
from churn.service.edge.tracing import read_trace_id
from churn.service.edge.waiting_room import Busy
from churn.web.edge import ARRIVAL_S, MOST_HEAD_BYTES, MOST_HEADERS
from churn.web.logging import REQUEST, open_log, open_request_log

INTERNAL_ERROR = Problem(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "the service failed to answer, through no fault of the request; try again, and report the request_id if it stays",
)
NEVER_A_REQUEST = {
    problem.status: problem
    for problem in (
        Problem(
            HTTPStatus.BAD_REQUEST,
            "the request is not valid HTTP/1.1; check its request line, its one Host, headers and length",
        ),
        Problem(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the head of the request did not arrive within {ARRIVAL_S:g} s; send it again, whole",
        ),
        Problem(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"the request line and the headers are larger than {MOST_HEAD_BYTES:,} bytes, or more than {MOST_HEADERS} "
            "headers, or so is what frames the body; send less",
        ),
        Busy(),
    )
}


def refuse_connection(counters: Counters, model_version: str, status: HTTPStatus) -> Response:
    """Count what never became a request, and return the answer to it: it has all the headers that others have."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        counters.count_refused_connection()
    else:
        counters.count_error(NOT_HTTP)
    request_id = make_request_id()
    response = NEVER_A_REQUEST[status].build_response(request_id)
    # There is no request that began, hence no time.
    response.headers.update({"X-Response-Time-Ms": "0", "X-Model-Version": model_version, "X-Request-ID": request_id})
    return response


class ObservationMiddleware:
    """Times, stamps, counts and logs each request, and answers 500 for a bug.

    The log line names no field and no query, so that it holds nothing of a subscriber. Where callers have keys, it
    names the caller, and a request without a sufficient key is refused before its body is read.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        model_version: str,
        log_level: str,
        counters: Counters,
        drain: Drain,
        request_ids: RequestIds | None = None,
        callers: Callers | None = None,
    ) -> None:
        self.app = app
        self.model_version = model_version
        self.version_header = (b"x-model-version", model_version.encode())
        self.log = open_log(log_level)
        self.log_request = open_request_log(log_level)
        self.counters = counters
        self.drain = drain
        self.request_ids = request_ids or RequestIds()
        self.callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter_ns()
        request_id, echoed_id, caller_hash = self.request_ids.read(scope["headers"])
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["caller_request_hash"] = caller_hash
        state["trace_id"] = trace_id = read_trace_id(scope)
        app = self._find_app(scope, state)
        status = NOT_ANSWERED
        bug: Exception | None = None

        async def send_stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-response-time-ms", b"%.3f" % _ms_since(started)),
                    self.version_header,
                    (b"x-request-id", echoed_id),
                ]
                if self.drain.has_begun:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await app(scope, receive, send_stamped)
        except ClientDisconnect:
            pass
        except Exception as error:
            bug = error
            if status != NOT_ANSWERED:  # half an answer cannot be taken back; the server closes the connection
                raise
            await INTERNAL_ERROR.build_response(request_id)(scope, receive, send_stamped)
        finally:
            now_ns = time.perf_counter_ns()
            # A bug counts as one also where half an answer had been sent.
            counted = HTTPStatus.INTERNAL_SERVER_ERROR if bug else status
            self._count(scope, counted, now_ns, state.get("began_ns", started), is_bug=bug is not None)
            clock = self.counters.start_clock()
            line = {
                "method": cut(scope["method"]),
                "path": cut(scope["path"]),
                "status": status,
                "duration_ms": round((now_ns - started) / 1e6, 3),
                "request_id": request_id,
                "model_version": self.model_version,
            }
            if trace_id or caller_hash or self.callers:
                line |= _list_others(state)
            problem: Problem | None = state.get("problem")
            is_foreseen = status < HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(problem, Busy) or self.drain.has_begun
            if is_foreseen and bug is None:
                self.log_request(**line)
            else:
                # A detail may quote what was sent, except where the fault is ours.
                detail = {"detail": problem.detail} if problem else {}
                self.log.error(REQUEST, **line, **detail, exc_info=bug or (problem and problem.__cause__))
            clock.end("log")
            bug = None  # its traceback holds this frame, and all that the request had

    def _find_app(self, scope: Scope, state: dict[str, Any]) -> ASGIApp:
        """Return what answers a request: the app, or its refusal."""
        refused: Problem | None = state.get("problem")
        if self.callers and not refused:
            state["problem"] = refused = self.callers.refuse(scope)
        return refused.build_response(state["request_id"]) if refused else self.app

    def _count(self, scope: Scope, status: int, now_ns: int, began_ns: int, *, is_bug: bool) -> None:
        took_ns, counters, path, state = now_ns - began_ns, self.counters, scope["path"], scope["state"]
        bucket = counters.count_request(path, status, took_ns)
        if status >= HTTPStatus.BAD_REQUEST:
            problem: Problem | None = state.get("problem")
            counters.count_error(BUG if is_bug else problem.kind if problem else kind_from_status(status))
        if path != PREDICT_ROUTE:
            return
        # The judge of a rollout leaves out what was sent again, and all but the first answer in a subscriber's minute.
        key = state.get("key")
        if status >= HTTPStatus.BAD_REQUEST or "is_retry" in state:
            if is_sent_again(scope["headers"]):
                counters.count_retry(status, took_ns, bucket)
                return
            key = find_key(scope["headers"])  # it may have ended before they were read
        if counters.moments.follow(key, scope.get("client"), now_ns):
            counters.count_repeat(status, took_ns, bucket)


def _list_others(state: Mapping[str, Any]) -> dict[str, str]:
    """Return what the line of a request has where there is such a thing."""
    return {name: text for name in ("trace_id", "caller_request_hash", "caller") if (text := state.get(name))}


def _ms_since(started_ns: int) -> float:
    return (time.perf_counter_ns() - started_ns) / 1e6
