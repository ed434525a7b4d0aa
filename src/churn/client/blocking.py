"""The client for code without an event loop: the other one, on a thread of its own.

A blocking socket can only limit each read, and who sends a byte at a time keeps within that for ever. Cancelling from
an event loop holds the budget whatever the other side does.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, Self, Unpack

from anyio.from_thread import BlockingPortal, start_blocking_portal

from churn.answers import RetentionAnswer
from churn.client.asynchronous import AsyncChurnClient
from churn.client.calls import Asked, Health
from churn.errors import ClientError


class ChurnClient:
    """Does what `AsyncChurnClient` does, and waits for it; safe for calls from many threads.

    Open it with `with`, once for a process and not before that process forks.

    Args:
        address: the service's, such as `http://127.0.0.1:8000`.
        budget_s: what a call may take in all, the one repetition it may need included.

    Raises:
        SettingsError: the address or the budget is none.
    """

    def __init__(self, address: str, *, budget_s: float = 0.2) -> None:
        self._client = AsyncChurnClient(address, budget_s=budget_s)
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
        """As `AsyncChurnClient.predict`."""
        return self._on_its_thread.call(partial(self._client.predict, subscriber, **asked))

    def schema(self) -> dict[str, Any]:
        """As `AsyncChurnClient.schema`."""
        return self._on_its_thread.call(self._client.schema)

    def health(self) -> Health:
        """As `AsyncChurnClient.health`."""
        return self._on_its_thread.call(self._client.health)

    @property
    def _on_its_thread(self) -> BlockingPortal:
        if self._loop is None:
            raise ClientError("the client is not open", instead="use it in `with ChurnClient(...) as client:`")
        return self._loop
