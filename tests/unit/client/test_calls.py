"""What is asked, what is made of replies, and when asking again is worth it; both clients do as this says."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.client.calls import HEALTH, SCHEMA, NoReply, Reply, build_event_call, build_prediction_call, choose_pause
from churn.errors import ClientError, Refused

SUBSCRIBER = {"tenure": 14}


def test_a_bare_call_says_nothing_beside_the_subscriber() -> None:
    call = build_prediction_call(SUBSCRIBER, subscriber_key=None, last_offer=None, language=None, reasons=None)
    assert (call.method, call.path, call.headers) == ("POST", "/predict", {"Content-Type": "application/json"})
    assert json.loads(call.content or b"") == SUBSCRIBER


def test_what_is_said_beside_the_subscriber_goes_where_the_service_reads_it() -> None:
    call = build_prediction_call(
        SUBSCRIBER, subscriber_key="key", last_offer=date(2026, 3, 1), language="de", reasons=0
    )
    assert call.path == "/predict?reasons=0"
    assert call.headers == {
        "Content-Type": "application/json",
        "X-Subscriber-Key": "key",
        "X-Last-Offer": "2026-03-01",
        "Accept-Language": "de",
    }


@pytest.mark.parametrize(
    ("subscriber", "asked"),
    [
        (SUBSCRIBER, {"subscriber_key": "secret\r\nX-More: 1"}),
        (SUBSCRIBER, {"subscriber_key": "secret " * 30}),
        (SUBSCRIBER, {"subscriber_key": "secrét"}),
        (SUBSCRIBER, {"subscriber_key": ""}),
        (SUBSCRIBER, {"language": "secret\n"}),
        ({"tenure": date(2026, 3, 1), "name": "secret"}, {}),
        ({"tenure": b"secret"}, {}),
    ],
)
def test_what_cannot_be_sent_is_refused_without_being_told(subscriber: dict[str, Any], asked: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        build_prediction_call(subscriber, **asked)
    assert refused.value.status is None
    assert set(refused.value.fields) <= {"X-Subscriber-Key", "Accept-Language"}
    assert "secr" not in f"{refused.value} {refused.value.instead}"


def test_an_event_is_sent_with_what_is_known_of_it_and_nothing_else() -> None:
    bare = build_event_call("a" * 32, "seen")
    assert (bare.method, bare.path, bare.headers) == ("POST", "/events", {"Content-Type": "application/json"})
    assert json.loads(bare.content or b"") == [{"prediction_id": "a" * 32, "event": "seen"}]
    whole = build_event_call(
        "a" * 32, "accepted", time=datetime(2026, 3, 1, tzinfo=UTC), model_version="v1", subscriber_key="key"
    )
    assert whole.headers["X-Subscriber-Key"] == "key"
    [event] = json.loads(whole.content or b"")
    assert (event["time"], event["model_version"]) == ("2026-03-01T00:00:00+00:00", "v1")


@pytest.mark.parametrize(
    "reported",
    [{"subscriber_key": "secret\n"}, {"time": datetime(2026, 3, 1)}, {"model_version": b"secret"}],  # noqa: DTZ001 - it is refused
)
def test_an_event_that_cannot_be_sent_is_refused_without_being_told(reported: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        build_event_call("a" * 32, "seen", **reported)
    assert "secr" not in f"{refused.value} {refused.value.instead}"


def test_what_json_has_no_number_for_is_left_to_the_service_which_names_the_field() -> None:
    assert build_prediction_call({"tenure": float("nan")}).content == b'{"tenure": NaN}'


JSON_VALUES = st.recursive(st.none() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=6), inner))


@given(
    status=st.just(200) | st.integers(100, 599),
    headers=st.fixed_dictionaries(
        {"content-type": st.just("application/json") | st.text(max_size=20)},
        optional={"retry-after": st.just("1") | st.text(max_size=20)},
    ),
    body=st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
)
def test_whatever_comes_back_is_an_answer_or_a_client_error(status: int, headers: dict[str, str], body: bytes) -> None:
    reply = Reply(status, headers, body)
    pause_s = choose_pause(reply)
    assert pause_s is None or (status == 503 and pause_s >= 0)
    for call in (build_prediction_call(SUBSCRIBER), build_event_call("a" * 32, "seen"), SCHEMA, HEALTH):
        with suppress(ClientError):
            call.read(reply)


@pytest.mark.parametrize(
    ("outcome", "pause_s"),
    [
        (NoReply(connected=True), 0.0),
        (NoReply(connected=False), 0.02),
        (Reply(503, {"retry-after": "2"}, b""), 2.0),
        (Reply(503, {"retry-after": "-1"}, b""), None),
        (Reply(503, {"retry-after": "9" * 5000}, b""), None),
        (Reply(504, {"retry-after": "0"}, b""), None),
        (Reply(200, {"retry-after": "0"}, b""), None),
    ],
)
def test_asking_again_is_worth_a_known_pause_or_nothing(outcome: Reply | NoReply, pause_s: float | None) -> None:
    assert choose_pause(outcome) == pause_s


def test_a_refusal_without_the_services_shape_still_has_its_status() -> None:
    with pytest.raises(Refused) as refused:
        SCHEMA.read(Reply(404, {}, b"<html>"))
    assert (refused.value.status, refused.value.detail, refused.value.fields) == (404, "", {})
