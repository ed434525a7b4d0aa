"""Runs the service and, once it answers, portal, team's pages and dashboard. When one ends or is told to, all stop."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from types import FrameType

from churn.client import ChurnClient
from churn.errors import ChurnError, ClientError
from churn.parents import be_stopped_with
from churn.settings import read_settings
from churn.web.server import listen
from portal.settings import read_settings as read_portal_settings

EVERY_S = 0.1


def main() -> int:
    """Gives the exit code of the service, or of what else has ended by itself."""
    settings = read_settings()
    address = settings.service_address
    os.environ.setdefault("SERVICE_URL", address)
    # Better refused now than after the training.
    portal = read_portal_settings()
    listen(portal.portal_host, portal.portal_port, app="portal", prefix="PORTAL_").close()
    portal.require_closed_team_door()
    listen(portal.portal_team_host, portal.portal_team_port, app="portal's team app", prefix="PORTAL_TEAM_").close()
    listen(settings.dashboard_host, settings.dashboard_port, app="dashboard", prefix="DASHBOARD_").close()
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in running:
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    service = _start(running, "churn", "start")
    if not _answers(service, address):
        return service.wait()
    pages = [_start(running, "portal"), _start(running, "portal", "team"), _start(running, "churn", "dashboard")]
    while all(process.poll() is None for process in running):
        time.sleep(EVERY_S)
    failed = next((code for page in pages if (code := page.poll())), 0)
    pass_on(signal.SIGTERM, None)
    for page in pages:
        page.wait()
    return service.wait() or failed


def _start(running: list[subprocess.Popen[bytes]], *module: str) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl+C reaches this process only, which passes it on once.
    process = subprocess.Popen(  # noqa: S603 - our own programs
        [sys.executable, "-m", *module],
        start_new_session=True,
        preexec_fn=functools.partial(be_stopped_with, os.getpid()),  # noqa: PLW1509 - there are no threads yet
    )
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
