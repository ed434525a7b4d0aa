"""The id of a request: what the caller sent where that is an id, else one of ours."""

import random
import re
from collections.abc import Iterable

from churn.prediction_log.record import hash_key

# Such an id is made by a machine, so that it says nothing of a person.
MACHINE_MADE = re.compile(
    rb"[0-9a-fA-F]{16,32}"  # W3C Trace Context, Zipkin
    rb"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # UUID, RFC 9562
    rb"|[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}"  # ULID
    rb"|1-[0-9a-f]{8}-[0-9a-f]{24}"  # AWS X-Ray
)
ECHOED = re.compile(rb"[!-~]{1,128}")


class RequestIds:
    """Read the ids of requests. The salt hashes free text, which may name a person and is kept nowhere as it is."""

    def __init__(self, salt: str | None = None) -> None:
        self._salt = salt

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, bytes, str | None]:
        """Return what the first X-Request-ID says: the id for log, record and problem, and what the answer repeats.

        Third comes the hash of free text; None if there is none, or no salt to hash it with.
        """
        for name, value in headers:
            if name == b"x-request-id" and ECHOED.fullmatch(value):
                if MACHINE_MADE.fullmatch(value):
                    return value.decode(), value, None
                return make_request_id(), value, hash_key(f"request {value.decode()}", self._salt)
        ours = make_request_id()
        return ours, ours.encode(), None


def make_request_id() -> str:
    """Return a new id: 128 random bits as hex digits."""
    return f"{random.getrandbits(128):032x}"
