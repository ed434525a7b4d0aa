"""Runs the service and, once it answers, the portal. Whichever ends or is told to stop, the other stops too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from churn.client import ChurnClient
from churn.errors import ChurnError, ClientError
from churn.settings import read_settings
from portal.server import listen
from portal.settings import read_settings as read_portal_settings

EVERY_S = 0.1


def main() -> int:
    """Gives the exit code of the service, or of the portal if that has ended by itself."""
    settings = read_settings()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - where to ask, not to listen
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    os.environ.setdefault("SERVICE_URL", address)
    listen(read_portal_settings()).close()  # better refused now than after the training
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in running:
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    service = _start(running, "churn", "start")
    if not _answers(service, address):
        return service.wait()
    portal = _start(running, "portal")
    while service.poll() is None and portal.poll() is None:
        time.sleep(EVERY_S)
    failed = portal.poll() or 0
    pass_on(signal.SIGTERM, None)
    portal.wait()
    return service.wait() or failed


def _start(running: list[subprocess.Popen[bytes]], *module: str) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl+C reaches this process only, which passes it on once.
    process = subprocess.Popen([sys.executable, "-m", *module], start_new_session=True)  # noqa: S603 - our own programs
    running.append(process)
    return process


def _answers(service: subprocess.Popen[bytes], address: str) -> bool:
    """Waits until the service answers; False if it has ended instead."""
    with ChurnClient(address, budget_s=5) as client:
        while service.poll() is None:
            try:
                client.health()
            except ClientError:
                time.sleep(EVERY_S)
            else:
                return True
    return False


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ChurnError as error:
        sys.stderr.write(f"error: {error.message}\ninstead: {error.instead}\n")
        sys.exit(error.exit_code)
