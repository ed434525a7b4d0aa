"""How long a sign-in lasts, whatever somebody sets the wall clock to."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from churn.clocks import Clock
from churn.web.sessions import LIFETIME_S, Sessions


class Clocks:
    """A machine whose wall clock a test sets."""

    running_s = 1000.0
    jumped_s = 0.0

    def read(self) -> Clock:
        return Clock(1_800_000_000 + self.running_s + self.jumped_s, self.running_s, "first")


def open_sessions(clocks: Clocks) -> Sessions:
    return Sessions(b"k" * 32, name="portal", same_site="lax", ended=set(), secure=False, clock=clocks.read)


def ask(cookie: str = "") -> Request:
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    return Request({"type": "http", "scheme": "http", "path": "/", "query_string": b"", "headers": headers})


def sign_in(sessions: Sessions) -> str:
    """The cookie that the browser sends from then on."""
    sessions.start(ask(), response := Response(), "somebody")
    return response.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("jump_s", [0.0, 3 * 3600.0, 3 * LIFETIME_S, -3 * 3600.0, -3 * LIFETIME_S])
def test_a_sign_in_lasts_twelve_hours_however_the_clock_jumps(jump_s: float) -> None:
    clocks = Clocks()
    sessions = open_sessions(clocks)
    cookie = sign_in(sessions)
    clocks.jumped_s = jump_s
    clocks.running_s += LIFETIME_S
    assert sessions.read(ask(cookie)).user == "somebody"
    clocks.running_s += 1
    assert sessions.read(ask(cookie)).user is None


def test_a_sign_in_outlives_the_process_but_not_its_twelve_hours() -> None:
    clocks = Clocks()
    cookie = sign_in(open_sessions(clocks))
    clocks.running_s += LIFETIME_S
    assert open_sessions(clocks).read(ask(cookie)).user == "somebody"
    clocks.running_s += 1
    assert open_sessions(clocks).read(ask(cookie)).user is None
