"""The client for asyncio."""

import os
import uuid
from collections.abc import Mapping
from typing import Any, Self, Unpack

import anyio
import httpx2

from churn.answers import BannerEventName, RetentionAnswer
from churn.client.calls import (
    HEALTH,
    MOST_BYTES,
    SCHEMA,
    Asked,
    Call,
    Health,
    NoReply,
    Reply,
    Reported,
    build_event_call,
    build_headers,
    build_prediction_call,
    choose_pause,
    name_attempt,
)
from churn.errors import SettingsError, Unavailable

# The client must drop idle connections first: the service keeps them for 75 s, load balancers for 60 s.
KEEP_ALIVE_S = 50.0
MOST_CONNECTIONS = 100
MOST_PORT = 65_535


class AsyncChurnClient:
    """Ask one service over connections that stay open. Concurrent calls on one event loop are safe.

    `budget_s` limits a whole call, a repetition included. `api_key` goes with each call; by default it is CHURN_API_KEY
    of the environment, if that is set. An impossible address, budget or key raises SettingsError.
    """

    def __init__(self, address: str, *, budget_s: float = 0.2, api_key: str | None = None) -> None:
        if not budget_s > 0:
            raise SettingsError(f"a budget of {budget_s} s is none", instead="give seconds above 0")
        self.address, self.budget_s = address, budget_s
        self._http = httpx2.AsyncClient(
            base_url=_service_url(address),
            headers=build_headers(api_key or os.environ.get("CHURN_API_KEY")),
            trust_env=False,
            timeout=None,
            limits=httpx2.Limits(
                max_connections=MOST_CONNECTIONS,
                max_keepalive_connections=MOST_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def predict(self, subscriber: Mapping[str, object], **asked: Unpack[Asked]) -> RetentionAnswer:
        """Ask how likely a subscriber is to leave, why, and what to show.

        Raises:
            Unavailable: the service is down, overloaded, or took longer than the budget.
            Refused: the subscriber is not valid, and `fields` says why; or the key is not, by status 401 or 403.
            Nonsense: the answer is not the service's.
        """
        return await self._ask(build_prediction_call(subscriber, **asked))

    async def report_event(self, prediction_id: str, event: BannerEventName, **reported: Unpack[Reported]) -> None:
        """Report what became of the banner of a prediction. It counts once, so after `Unavailable` report it again.

        Raises:
            Unavailable: as `predict` does; the event may have been taken all the same.
            Refused: it is not valid, the key is not or lacks the scope `events`, or (404) the service keeps no log.
            Nonsense: the answer is not the service's.
        """
        await self._ask(build_event_call(prediction_id, event, **reported))

    async def schema(self) -> dict[str, Any]:
        """Fetch the service's OpenAPI document. Raises as `predict` does."""
        return await self._ask(SCHEMA)

    async def health(self) -> Health:
        """Fetch the service's health, after its model has answered. Raises as `predict` does."""
        return await self._ask(HEALTH)

    async def _ask[T](self, call: Call[T]) -> T:
        request_id = uuid.uuid4().hex
        try:
            with anyio.fail_after(self.budget_s) as scope:
                reply = await self._send(call, name_attempt(request_id, 1))
                pause_s = choose_pause(reply)
                if pause_s is not None and pause_s < scope.deadline - anyio.current_time():
                    await anyio.sleep(pause_s)
                    reply = await self._send(call, name_attempt(request_id, 2))
        except TimeoutError:
            raise Unavailable(
                f"the churn service gave no answer within {self.budget_s:g} s",
                instead="see its log, or whether the address is right",
            ) from None
        return call.read(reply)

    async def _send[T](self, call: Call[T], attempt: Mapping[str, str]) -> Reply | NoReply:
        body = bytearray()
        try:
            async with self._http.stream(
                call.method, call.path, headers={**call.headers, **attempt}, content=call.content
            ) as response:
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        break
        except httpx2.TransportError as error:
            return NoReply(connected=not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout))
        return Reply(
            response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(body)
        )


def _service_url(address: str) -> httpx2.URL:
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if (
        url.scheme not in {"http", "https"}
        or not url.host
        or not 0 < (url.port or 80) <= MOST_PORT
        or url.userinfo
        or url.query
        or url.fragment
    ):
        raise SettingsError(
            f"{address!r} is not the address of an HTTP service", instead="give one such as http://127.0.0.1:8000"
        )
    return url
