"""How a connection ends on which something still comes: its answer is read first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools

if TYPE_CHECKING:
    from churn.web.protocol import EdgeProtocol


class DeafParser(httptools.HttpRequestParser):
    """Stands in for the parser once nothing more is understood."""

    def feed_data(self, data: Any) -> None:
        """Do nothing."""


class PoliteTransport:
    """The transport of an answer that may be whole before its request is: closing it says goodbye first."""

    def __init__(self, protocol: EdgeProtocol) -> None:
        self.protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self.protocol.transport, name)

    def close(self) -> None:
        """Close, but if something still comes let the other side read the answer first."""
        if self.protocol.is_arriving or isinstance(self.protocol.parser, DeafParser):
            self.protocol.say_goodbye()
        else:
            self.protocol.transport.close()
