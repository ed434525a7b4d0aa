"""A portal that is none, or answers nonsense, ends in a sentence that does not name the subscriber."""

import pytest
from support.broken_servers import always
from support.small_server import http, small_server

from churn.client.portal import MOST_BYTES, ask_portal
from churn.errors import ClientError, Nonsense, Refused, Unavailable

KEY = "a-key-of-somebody"


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (http(200, b"<title>Sign in</title>"), Nonsense, "an answer that is not the portal's"),
        (http(200, b"[1]"), Nonsense, "an answer that is not the portal's"),
        (http(200, b"[" * 100_000), Nonsense, "an answer that is not the portal's"),
        (http(200, b" " * (MOST_BYTES + 1)), Nonsense, "more than 16,777,216 bytes"),
        (http(302, b"", b"Location: http://127.0.0.1:1/"), Refused, "status 302"),
        (http(404, b""), Refused, "status 404"),
        (http(429, b""), Refused, "too many wrong tokens"),
        (http(503, b""), Refused, "its file is in use; something may be left"),
        (b"no HTTP\r\n\r\n", Unavailable, "cannot be reached: RemoteProtocolError"),
        (None, Unavailable, "cannot be reached: RemoteProtocolError"),
    ],
    ids=lambda value: None if isinstance(value, bytes | type) else str(value),
)
def test_each_way_to_fail_is_a_sentence(reply: bytes | None, kind: type[ClientError], said: str) -> None:
    with small_server(always(reply)) as address, pytest.raises(kind) as caught:
        ask_portal(address, "a token", "erase", KEY)
    assert said in caught.value.message
    assert KEY not in f"{caught.value.message} {caught.value.instead}"


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://[", "http://nowhere.invalid"])
def test_an_address_where_nobody_is_is_a_sentence(address: str) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        ask_portal(address, "a token", "export", KEY)
