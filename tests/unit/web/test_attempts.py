"""How often a secret may be tried, and who is one source."""

import pytest
from starlette.requests import Request

from churn.web.attempts import MOST_SOURCES, Attempts, find_source


class Seconds:
    """A clock that a test moves."""

    now_s = 100.0

    def read(self) -> float:
        return self.now_s


def test_a_source_has_five_attempts_and_then_one_in_ten_seconds() -> None:
    clock = Seconds()
    attempts = Attempts(clock.read)
    assert [attempts.take("a") for _ in range(6)] == [0, 0, 0, 0, 0, 10]
    assert attempts.take("b") == 0
    clock.now_s += 9
    assert attempts.take("a") == pytest.approx(1)
    clock.now_s += 1
    assert [attempts.take("a") for _ in range(2)] == [0, 10]


def test_two_days_of_guessing_from_everywhere_are_bounded() -> None:
    clock = Seconds()
    attempts = Attempts(clock.read)
    taken = 0
    for number in range(20_000):
        taken += attempts.take(str(number)) == 0
        clock.now_s += 0.1
    assert 2000 <= taken <= 2061


def test_who_knew_the_secret_has_all_attempts_again() -> None:
    attempts = Attempts(Seconds().read)
    for _ in range(5):
        attempts.take("a")
    attempts.forget("a")
    assert attempts.take("a") == 0


def test_no_more_sources_are_remembered_than_stated() -> None:
    attempts = Attempts(Seconds().read)
    for number in range(MOST_SOURCES + 10):
        attempts.take(str(number))
    assert len(attempts._sources) == MOST_SOURCES  # noqa: SLF001 - the memory is the point


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_behind_proxy", "source"),
    [
        ("192.0.2.7", None, False, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", False, "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1", True, "198.51.100.1"),
        ("127.0.0.1", "10.9.9.9, 198.51.100.1", True, "198.51.100.1"),
        ("127.0.0.1", None, True, "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, False, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", None, False, "192.0.2.7"),
        ("2001:db8:1:2:ffff::1", None, False, "2001:db8:1:2::/64"),
        ("127.0.0.1", "nonsense" * 100, True, ("nonsense" * 100)[:100]),
    ],
)
def test_a_source_is_what_the_nearest_proxy_saw(
    peer: str, forwarded: str | None, source: str, *, is_behind_proxy: bool
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "client": (peer, 1234), "headers": headers})
    assert find_source(request, is_behind_proxy=is_behind_proxy) == source
