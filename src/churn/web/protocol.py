"""What happens to a request before it reaches the app: it may not be HTTP, too large, too slow, or one too many."""

import asyncio
import logging
import select
import time
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from churn.web.edge import MOST_HEAD_BYTES, MOST_HEADERS, Edge
from churn.web.goodbye import DeafParser, PoliteTransport

PROTOCOL = f"{__name__}:EdgeProtocol"  # as uvicorn takes it

# A body in chunks of one byte is framed by five bytes for each.
FRAMING_BYTES_PER_BYTE = 16
MOST_PIPELINED = 16
MOST_CONNECTIONS = 2048
# For a request that is on its way when the server is told to stop.
LAST_REQUEST_S = 0.5
HOP_HEADERS = frozenset({b"connection", b"upgrade"})

log = logging.getLogger(__name__)


class TooLargeError(Exception):
    """A head, or what frames a body, that is larger than it may be."""


class HostError(Exception):
    """A request that does not say for which host it is, or says it twice."""


class EdgeProtocol(HttpToolsProtocol):
    """Speak HTTP as uvicorn does, but let the app's edge word refusals, and bound what is not an admitted request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.edge: Edge = self.app.state.edge
        self.is_arriving = False  # a message has begun and not ended
        # Of this message: the read that is parsed now, those before it, and of these without the first one, in which
        # another message may have ended; and its body without the first one too.
        self.read_bytes = self.earlier_bytes = self.later_bytes = self.body_bytes = 0
        self.arrival_timer: asyncio.TimerHandle | None = None
        self.writing_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or hang up at once if it is one too many. Until it says something it is idle."""
        super().connection_made(transport)
        # The kernel gives the lowest descriptor that is free, so its number says how many are taken.
        descriptor = transport.get_extra_info("socket").fileno()
        if descriptor >= self.edge.most_descriptors or len(self.connections) > MOST_CONNECTIONS:
            self.edge.complain("connections are refused: this process has as many as it may, or no more descriptors")
            self._write_refusal(HTTPStatus.SERVICE_UNAVAILABLE)
            transport.close()
            return
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        if self.edge.is_stopping:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its deadlines."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._stop_arrival_timer()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read on. What cannot be understood, or is too much, is refused."""
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self.read_bytes = len(data)
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:  # nothing else is spoken here: HTTP/1.1 goes on
                    data = self._restate_head() + data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            if self._is_deaf():
                return
            is_too_large = isinstance(error.__context__, TooLargeError)
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_too_large else HTTPStatus.BAD_REQUEST)
            return
        if self.is_arriving:
            self._bound_arrival()

    def _restate_head(self) -> bytes:
        """Return the head without the wish for another protocol, with which its body would not be read as one."""
        if self.parser.get_method() == b"CONNECT":
            raise httptools.HttpParserError
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [name + b": " + value for name, value in self.headers if name not in HOP_HEADERS]
        if not self.parser.should_keep_alive():
            lines.append(b"connection: close")
        return b"\r\n".join([*lines, b"", b""])

    def on_message_begin(self) -> None:
        """Note when the first byte of a request came. Its time begins here, and includes all waiting."""
        if len(self.pipeline) >= MOST_PIPELINED:
            raise TooLargeError
        super().on_message_begin()
        self.scope["state"]["began_ns"] = time.perf_counter_ns()
        self.is_arriving = True

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large. Trailers, which come later, are no headers of the request."""
        # The sum is no less than the head, which is measured only where it may be too large.
        if self.earlier_bytes + self.read_bytes > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._require_small_head()
        # RFC 9112, 3.2: a proxy before this one may have read the other of two.
        hosts = [name for name, _ in self.headers].count(b"host")
        if hosts != 1 and (hosts or self.parser.get_http_version() != "1.0"):
            raise HostError
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, as uvicorn does; nobody reads it once there is an answer."""
        self.body_bytes += len(body)
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End the body and the message's deadline, unless the head is to be read again without an upgrade."""
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope:
            return
        self.is_arriving = False
        if self.arrival_timer is not None:
            self._stop_arrival_timer()
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()
            return
        cycle.body.clear()
        if self._is_deaf():  # it was answered as the last; what follows in the same read is not parsed
            raise TooLargeError

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        # Here and nowhere later: a request waits as a task of the event loop, which is where the queue is.
        if self.edge.is_stopping:
            cycle.keep_alive = False
        admitted = self.edge.admit(app, cycle.scope)
        if admitted is None:  # refused now, its body is not kept
            cycle.transport = PoliteTransport(self)
            task = asyncio.Task(cycle.run_asgi(app), loop=self.loop, eager_start=True)
        else:
            task = self.loop.create_task(cycle.run_asgi(admitted))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _require_small_head(self) -> None:
        # Each line ends with two bytes, a header has two more, and the request line some 12 beside its URL.
        head_bytes = len(self.url) + 16 + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if head_bytes > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            raise TooLargeError

    def _is_deaf(self) -> bool:
        return isinstance(self.parser, DeafParser)

    def _has_whole_head(self) -> bool:
        return self.cycle is not None and self.cycle.scope is self.scope

    def _bound_arrival(self) -> None:
        """Bound the time and the size of a message that did not come in one read."""
        if self.arrival_timer is None:
            self.later_bytes = self.body_bytes = 0
            self.arrival_timer = self.loop.call_later(self.edge.arrival_s, self._end_arrival)
        else:
            self.later_bytes += self.read_bytes
        self.earlier_bytes += self.read_bytes
        try:
            if self._has_whole_head():
                self.cycle.transport = PoliteTransport(self)  # type: ignore[assignment]
                # What came after the first read, which may have held the head: as much as that is left out.
                framing_bytes = self.later_bytes - self.body_bytes - MOST_HEAD_BYTES
                if framing_bytes > MOST_HEAD_BYTES + FRAMING_BYTES_PER_BYTE * self.body_bytes:
                    raise TooLargeError  # noqa: TRY301 - one place refuses
            elif self.later_bytes > MOST_HEAD_BYTES:
                raise TooLargeError  # noqa: TRY301
            else:
                self._require_small_head()
        except TooLargeError:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _end_arrival(self) -> None:
        """End a deadline. Of a body that is being read the app has one of its own, and more time is the backstop."""
        self.arrival_timer = None
        if self._is_deaf():
            self.transport.abort()
        elif not self._has_whole_head():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self.cycle.response_complete:
            self.transport.close()
        else:
            self.arrival_timer = self.loop.call_later(self.edge.arrival_s, self.transport.abort)

    def _stop_arrival_timer(self) -> None:
        if self.arrival_timer is not None:
            self.arrival_timer.cancel()
            self.arrival_timer = None
        self.earlier_bytes = 0

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer and hang up: what follows on the connection cannot be told apart from what is wrong."""
        log.warning("refused what came on a connection: %d %s", status, status.phrase)
        cycle = self.cycle
        is_of_cycle = self._has_whole_head()
        if cycle is not None and not cycle.response_complete:
            if not is_of_cycle or not cycle.more_body:  # a request before is being answered: its answer is the last
                cycle.keep_alive = False
                cycle.transport = PoliteTransport(self)  # type: ignore[assignment]
                self.parser = DeafParser(self)
                return
            cycle.disconnected = True
            cycle.message_event.set()
            self.cycle = None  # type: ignore[assignment]
            if cycle.response_started or self.pipeline:  # no place for another answer
                self.transport.close()
                return
        if not (is_of_cycle and cycle.response_complete):
            self._write_refusal(status)
        self.say_goodbye()

    def _write_refusal(self, status: HTTPStatus) -> None:
        response = self.edge.refuse(status)
        headers = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode())]
        lines += [name + b": " + value for name, value in headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))

    def say_goodbye(self) -> None:
        """Say that nothing more is answered, and take no notice of what still comes until the other side hangs up.

        To close while something still comes would reset the connection, and the answer might be lost.
        """
        self.parser = DeafParser(self)
        self.is_arriving = False
        self.pipeline.clear()
        self.transport.write_eof()
        if self.arrival_timer is None:
            self.arrival_timer = self.loop.call_later(self.edge.arrival_s, self._end_arrival)

    def pause_writing(self) -> None:
        """Wait for a caller who does not take the answer, but not for ever."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Go on, as the caller does."""
        super().resume_writing()
        if self.writing_timer is not None:
            self.writing_timer.cancel()
            self.writing_timer = None

    def _watch_writing(self, last_bytes: int | None = None) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes == last_bytes:
            self.transport.abort()
        else:
            self.writing_timer = self.loop.call_later(self.edge.arrival_s, self._watch_writing, left_bytes)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, whether or not the last answer was taken."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self.edge.is_stopping and self._has_unread():
            self.shutdown()
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Let the answer under way be the last. Without one, wait a moment for a request: it may be on its way."""
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(LAST_REQUEST_S, self.timeout_keep_alive_handler)
        elif self.cycle is not None:
            self.cycle.keep_alive = False

    def _has_unread(self) -> bool:
        """Return whether something has come that the event loop has not read yet. To close would reset it."""
        polling = select.poll()
        polling.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(polling.poll(0))
