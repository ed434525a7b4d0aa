"""Who calls, and whether they may: the key in `Authorization: Bearer KEY`."""

import logging
import time
from collections.abc import Iterable
from hmac import compare_digest
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import Scope

from churn.errors import SettingsError
from churn.judging.metrics import NOBODY, KeyResult
from churn.service.counting.counters import Counters
from churn.service.edge.problems import Problem
from churn.service.keys import CallerScope, KeyRing, hash_api_key

# Load balancers have no key, and the document says which one to send. Every other path asks for one, known or not.
OPEN = frozenset({"/", "/health", "/readyz", "/livez", "/openapi.json"})
SCOPES: dict[str, CallerScope] = {
    "/predict": "predict",
    "/predict/batch": "batch",
    "/metrics": "metrics",
    "/events": "events",
}
SCHEME = b"bearer"
# A change of the file holds within a second; a read of it takes a few microseconds.
LOOK_S = 0.5

log = logging.getLogger("churn.callers")


class Caller(NamedTuple):
    """Whose key it is, what they may ask for, and as what they are counted."""

    name: str
    scopes: frozenset[CallerScope]
    counted_as: str


class Callers:
    """Know who may call. The keys are looked at again with a request, so that it needs neither task nor thread."""

    def __init__(self, keys: KeyRing, counters: Counters) -> None:
        self._ring = keys
        self._counters = counters
        self._next_look_s = time.monotonic() + LOOK_S
        self._known: list[tuple[bytes, Caller]] = []
        self._take_keys()

    def refuse(self, scope: Scope) -> Problem | None:
        """Return why a request is refused; None if it is not. Its state gets the name of who calls."""
        if (now_s := time.monotonic()) >= self._next_look_s:
            self._next_look_s = now_s + LOOK_S
            self._look()
        path = scope["path"]
        if path in OPEN:
            return None
        key = read_key(scope["headers"])
        caller = self._identify(key) if key else None
        if caller is None:
            result: KeyResult = "unknown_key" if key else "no_key"
            scope["state"]["caller"] = NOBODY
            self._counters.count_caller(NOBODY, result)
            return UNIDENTIFIED[result]
        scope["state"]["caller"] = caller.name
        needed = SCOPES.get(path)
        if needed in caller.scopes or needed is None:
            self._counters.count_caller(caller.counted_as, "allowed")
            return None
        self._counters.count_caller(caller.counted_as, "no_scope")
        return _forbidden(caller, needed)

    def _identify(self, key: bytes) -> Caller | None:
        """Compare with every key, so that the time does not tell which one it is like."""
        sha256 = hash_api_key(key)
        matches = [caller for known, caller in self._known if compare_digest(known, sha256)]
        return matches[0] if matches else None

    def _look(self) -> None:
        try:
            if not self._ring.read_again():
                return
        except SettingsError as error:
            self._counters.count_keys_read("refused")
            log.error("the keys stay as they were: %s; %s", error, error.instead)  # noqa: TRY400 - needs no traceback
            return
        self._take_keys()
        self._counters.count_keys_read("taken")
        log.info("the keys have changed: %d keys of %s", len(self._known), ", ".join(self._names()))

    def _take_keys(self) -> None:
        self._known = [
            (key.sha256, Caller(key.name, key.scopes, self._counters.find_caller(key.name))) for key in self._ring.keys
        ]

    def _names(self) -> list[str]:
        return sorted({caller.name for _, caller in self._known})


def read_key(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the key that a request brings; empty if it brings none, or more than one Authorization."""
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        return b""
    scheme, _, key = values[0].partition(b" ")
    return key.strip(b" ") if scheme.lower() == SCHEME else b""


def _unidentified(detail: str) -> Problem:
    # What is left of the body is not read.
    headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers=headers)


def _forbidden(caller: Caller, needed: CallerScope) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        f"the key of {caller.name} may not be used for this path: it lacks the scope {needed}; ask the service's "
        "operators for it",
        headers={"Connection": "close"},
    )


UNIDENTIFIED: dict[KeyResult, Problem] = {
    "no_key": _unidentified(
        "this path needs a key; send one header Authorization: Bearer KEY, and ask the service's operators for a key"
    ),
    "unknown_key": _unidentified(
        "the key in Authorization is none of this service's; send one that is valid now, which its operators give you"
    ),
}
