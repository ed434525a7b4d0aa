"""Where the requests go, and whether anybody is there."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from churn.errors import LoadTestError, SettingsError

PORTS = {"http": 80, "https": 443}
PATIENCE_S = 5.0


def build_target_url(address: str, path: str) -> str:
    """The URL to post to.

    Args:
        address: the service's base address, such as `http://127.0.0.1:8000`.
        path: what to call there, such as `/predict`; may hold a query.

    Raises:
        SettingsError: the address is not that of an HTTP service.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not match
        usable = False
    if not usable or parts.query or parts.fragment:
        raise SettingsError(
            f"{address!r} is not the address of an HTTP service", instead="give one such as http://127.0.0.1:8000"
        )
    return f"{address.rstrip('/')}/{path.lstrip('/')}"


def require_listener(url: str) -> None:
    """Connects once and hangs up.

    Raises:
        LoadTestError: nobody is there to connect to.
    """
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except socket.gaierror as error:
        raise LoadTestError(f"there is no host {host!r}", instead="mend the address, or the name service") from error
    except TimeoutError as error:
        raise LoadTestError(
            f"{host} port {port} does not answer within {PATIENCE_S:g} s",
            instead="see whether a firewall lies between, and whether the address is right",
        ) from error
    except OSError as error:
        raise LoadTestError(
            f"nothing listens at {host} port {port}: {error.strerror}",
            instead="start the service with `churn serve`, or give the address it listens at",
        ) from error
