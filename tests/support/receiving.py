"""A receiver of notices on this machine: it keeps what it is sent, and answers as it is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class ReceivingServer(ThreadingHTTPServer):
    """Answer the first requests with `statuses`, and all later ones with 200. While `hangs` is set it says nothing."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.received, self.hangs, self.freed = list(statuses), list[dict[str, Any]](), False, Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        """The receiver's address, with a token as a real one has."""
        return f"json://user:s3cret-t0ken@127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: ReceivingServer

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.hangs:
            self.server.freed.wait(60)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.received.append(content)
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receive(*statuses: int) -> Iterator[ReceivingServer]:
    """Run a receiver."""
    server = ReceivingServer(*statuses)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.freed.set()
        server.shutdown()
        thread.join()
        server.server_close()
