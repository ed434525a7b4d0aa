"""The client for code without an event loop: it runs the asynchronous client on a thread of its own.

A blocking socket limits only each read, so a server that sends single bytes could outlast any budget. An event loop can
cancel the whole call.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, Self, Unpack

from anyio.from_thread import BlockingPortal, start_blocking_portal

from churn.answers import BannerEventName, RetentionAnswer
from churn.client.asynchronous import AsyncChurnClient
from churn.client.calls import Asked, Health, Reported
from churn.errors import ClientError


class ChurnClient:
    """Call `AsyncChurnClient` and wait. Calls from many threads are safe.

    Open it with `with`, once for a process, and after that process forks.
    """

    def __init__(self, address: str, *, budget_s: float = 0.2, api_key: str | None = None) -> None:
        self._client = AsyncChurnClient(address, budget_s=budget_s, api_key=api_key)
        self._open = ExitStack()
        self._loop: BlockingPortal | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._loop = opening.enter_context(start_blocking_portal(name="churn-client"))
            opening.enter_context(self._loop.wrap_async_context_manager(self._client))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop = None
        self._open.close()

    def predict(self, subscriber: Mapping[str, object], **asked: Unpack[Asked]) -> RetentionAnswer:
        """Ask as `AsyncChurnClient.predict` does."""
        return self._thread.call(partial(self._client.predict, subscriber, **asked))

    def report_event(self, prediction_id: str, event: BannerEventName, **reported: Unpack[Reported]) -> None:
        """Report as `AsyncChurnClient.report_event` does."""
        self._thread.call(partial(self._client.report_event, prediction_id, event, **reported))

    def schema(self) -> dict[str, Any]:
        """Ask as `AsyncChurnClient.schema` does."""
        return self._thread.call(self._client.schema)

    def health(self) -> Health:
        """Ask as `AsyncChurnClient.health` does."""
        return self._thread.call(self._client.health)

    @property
    def _thread(self) -> BlockingPortal:
        if self._loop is None:
            raise ClientError("the client is not open", instead="use it in `with ChurnClient(...) as client:`")
        return self._loop
