"""Ask the portal's team app what it keeps of a person, or to erase it. The key is sent in the body only."""

from http import HTTPStatus
from typing import Any, Literal

import anyio
import httpx2
from pydantic import TypeAdapter, ValidationError

from churn.errors import ClientError, Nonsense, Refused, Unavailable

BUDGET_S = 30.0  # the portal writes its file anew when it erases
MOST_BYTES = 16 * 1_048_576

type Action = Literal["export", "erase"]

_ANSWER = TypeAdapter(dict[str, Any])


def ask_portal(address: str, token: str, action: Action, key: str) -> dict[str, Any]:
    """Export or erase a subscriber there: rows by table, or how many rows were removed from each.

    Raises:
        Unavailable: it does not answer within 30 s. It may have erased all the same.
        Refused: it does not take the token, or cannot do it now.
        Nonsense: the answer is not the portal's, or has more than 16 MB.
    """
    try:
        status, body = anyio.run(_send, f"{address.rstrip('/')}/api/subscribers/{action}", token, key)
    except TimeoutError:
        raise Unavailable(
            f"the portal gave no answer within {BUDGET_S:g} s; it may do it all the same",
            instead="see its log, and run this again",
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        raise Unavailable(
            f"the portal at {address} cannot be reached: {type(error).__name__}",
            instead="see whether `churn-portal team` runs there, and whether PORTAL_URL is its address",
        ) from None
    return _read_answer(status, body)


async def _send(url: str, token: str, key: str) -> tuple[int, bytes]:
    body = bytearray()
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Accept-Encoding": "identity"}
    with anyio.fail_after(BUDGET_S):
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=None, headers=headers) as http,
            http.stream("POST", url, json={"key": key}) as response,
        ):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    break
            return response.status_code, bytes(body)


def _read_answer(status: int, body: bytes) -> dict[str, Any]:
    """Return what it answers. Causes are left out of errors, since they quote the answer."""
    elsewhere = "see whether PORTAL_URL is the address of `churn-portal team`"
    if status == HTTPStatus.OK and len(body) <= MOST_BYTES:
        try:
            return _ANSWER.validate_json(body)
        except ValidationError:
            raise Nonsense("an answer that is not the portal's", instead=elsewhere) from None
    if status == HTTPStatus.OK:
        raise Nonsense(f"the portal answers more than {MOST_BYTES:,} bytes", instead="export there: churn-portal")
    raise _explain_refusal(status, elsewhere)


def _explain_refusal(status: int, elsewhere: str) -> ClientError:
    reasons: dict[int, tuple[str, str]] = {
        HTTPStatus.UNAUTHORIZED: ("that is not its token", "set PORTAL_TEAM_TOKEN to what it is where the portal runs"),
        HTTPStatus.FORBIDDEN: ("it has no token", "set PORTAL_TEAM_TOKEN where the portal runs, and here"),
        HTTPStatus.TOO_MANY_REQUESTS: ("too many wrong tokens came from here", "wait a minute, then run this again"),
        HTTPStatus.SERVICE_UNAVAILABLE: ("its file is in use; something may be left", "run this again"),
    }
    why, instead = reasons.get(status, ("", elsewhere))
    return Refused(f"the portal refuses with status {status}" + (f": {why}" if why else ""), instead=instead)
