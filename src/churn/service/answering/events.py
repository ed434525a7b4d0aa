"""`POST /events`: a portal reports what became of banners."""

import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from churn.answers import EventsTaken
from churn.prediction_log.banner_events import BannerEvent
from churn.prediction_log.writer import PredictionLog
from churn.service.answering.reports import read_report
from churn.service.counting.counters import Counters
from churn.service.edge.body import parse_rows, read_body, require_json
from churn.service.edge.parameters import KEY, KEY_SCHEMA, describe_header, read_subscriber_key
from churn.service.edge.problems import Problem, describe_errors
from churn.service.edge.route import JSON, DirectRoute, JsonResponse

MOST_EVENTS: Final = 100  # in one request
BYTES_PER_EVENT: Final = 512  # one takes 260 at most, written without spaces
MOST_REMEMBERED: Final = 16_384  # events that a worker knows again: 4 MB
EXAMPLE: Final = {
    "prediction_id": "01a214d9a11d79598a0a48c2ec254d0e",
    "event": "accepted",
    "time": "2026-03-01T09:30:00Z",
    "model_version": "v2.3.1",
}
NO_LOG = (
    "this service keeps no prediction log, so no event can be kept; report none, or ask its operators to set "
    "PREDICTION_LOG"
)
NO_ROOM = "too many events wait to be written; send this request again, whole"


class RecentEvents:
    """Know the latest events again, so that a repetition is neither counted nor written twice.

    It is the memory of one worker, and ends with it. What comes again to another is made one by the log's reader.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._known: dict[tuple[str, str], None] = {}

    def choose_new(self, events: Iterable[BannerEvent]) -> list[BannerEvent]:
        """Return each event that is not known once, as it comes first."""
        new: dict[tuple[str, str], BannerEvent] = {}
        for event in events:
            new.setdefault((event.prediction_id, event.event), event)
        return [event for key, event in new.items() if key not in self._known]

    def remember(self, events: Iterable[BannerEvent]) -> None:
        """Know these events from now on, and forget the oldest of too many."""
        self._known |= dict.fromkeys((event.prediction_id, event.event) for event in events)
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]


def event_routes(counters: Counters, prediction_log: PredictionLog | None) -> APIRouter:
    """Return the route that takes banner events into the log."""
    router = APIRouter(route_class=DirectRoute)
    recent = RecentEvents()
    key_header = describe_header(
        KEY, "The subscriber's key, if all events are of one. Logged as a keyed hash, or not at all.", KEY_SCHEMA
    )
    reports = {"$ref": "#/components/schemas/BannerReport"}
    content = {
        "schema": {"type": "array", "items": reports, "minItems": 1, "maxItems": MOST_EVENTS},
        "examples": {"example 1": {"value": [EXAMPLE]}},
    }

    @router.post(
        "/events",
        operation_id="report_events",
        summary="What became of banners",
        response_model=EventsTaken,
        responses=describe_errors(413, 415, 422),
        openapi_extra={"parameters": [key_header], "requestBody": {"required": True, "content": {JSON: content}}},
    )
    async def report_events(request: Request) -> Response:
        """Takes all events, or none. The same event of the same prediction counts once, however often it is sent."""
        require_json(request)
        key = read_subscriber_key(request)
        body = await read_body(request, max_bytes=MOST_EVENTS * BYTES_PER_EVENT, instead="send fewer events")
        rows = parse_rows(body, max_rows=MOST_EVENTS, of="event")
        reports = [read_report(row, index) for index, row in enumerate(rows)]
        if prediction_log is None or not prediction_log.is_running:
            raise Problem(HTTPStatus.NOT_FOUND, NO_LOG)
        time_us, state, subscriber = time.time_ns() // 1000, request.scope["state"], prediction_log.hash_key(key)
        new = recent.choose_new(
            BannerEvent(
                time_us,
                report.prediction_id,
                report.event,
                report.time,
                report.model_version,
                state.get("caller"),
                subscriber,
                state["request_id"],
            )
            for report in reports
        )
        if not prediction_log.note_events(new):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, NO_ROOM, headers={"Retry-After": "1"})
        recent.remember(new)
        for event in new:
            counters.count_banner_event(event.event, event.model_version)
        return JsonResponse(b'{"taken":%d}' % len(reports))

    return router
