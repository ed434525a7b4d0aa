"""HAProxy by its runtime interface: two servers, `stable` and `canary`, in one or more backends, moved together."""

from __future__ import annotations

import csv
import io
import socket
from dataclasses import dataclass

from churn.errors import RolloutError, SettingsError
from churn.rollout.routers.router import TRACKS, Track, require_percent, share

TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Server:
    """One server as HAProxy sees it.

    Args:
        backend, name: as its configuration calls them.
        status: such as `UP`, `UP 1/2` (it has failed a single check), `DOWN`, `MAINT`.
        weight: what it was given, beside the others of its backend.
    """

    backend: str
    name: str
    status: str
    weight: int

    @property
    def up(self) -> bool:
        """Whether it gets requests."""
        return self.status.startswith(("UP", "no check"))


class HAProxy:
    """The runtime interface at `HOST:PORT`, or at the path of a socket.

    Every backend that has both servers is moved: one may deal requests out in turn and another by subscriber.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        host, _, port = address.rpartition(":")
        if not address.startswith("/") and not (host and port.isdecimal()):
            raise SettingsError(
                f"{address or 'nothing'} is not where HAProxy listens", instead="write haproxy://127.0.0.1:9999"
            )

    def servers(self) -> list[Server]:
        """All servers of all backends.

        Raises:
            RolloutError: HAProxy does not answer, or not as HAProxy does.
        """
        text = self.tell("show stat")
        if not text.startswith("# pxname"):
            raise RolloutError(f"HAProxy at {self.address} answers what cannot be understood: {text[:80]!r}")
        rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
        # type 2 is a server; 0 and 1 are frontends and backends.
        return [
            Server(row["pxname"], row["svname"], row["status"], int(row["uweight"] or row["weight"]))
            for row in rows
            if row["type"] == "2"
        ]

    def weight(self) -> float:
        """The canary's share in percent; the largest where the backends differ, so that a rollback reaches all."""
        found = self._tracks()
        return max(
            share(*(one.weight for track in TRACKS for one in found if (one.backend, one.name) == (backend, track)))
            for backend in {one.backend for one in found}
        )

    def set_weight(self, percent: int) -> None:
        """Gives the canary that share in every backend, in one line that HAProxy carries out at once."""
        require_percent(percent)
        found = self._tracks()
        if percent and not self._all_up(found, "canary"):
            raise RolloutError("HAProxy sees the canary down, so it can get no requests", instead="start the canary")
        weights = {"stable": 100 - percent, "canary": percent}
        commands = (f"set weight {one.backend}/{one.name} {weights[one.name]}" for one in found)
        if refused := self.tell("; ".join(commands)):
            raise RolloutError(f"HAProxy refused: {refused}")

    def healthy(self, track: Track) -> bool:
        """Whether it passes HAProxy's checks, in every backend."""
        return self._all_up(self._tracks(), track)

    def tell(self, commands: str) -> str:
        """What it answers; nothing where it obeyed.

        Raises:
            RolloutError: it does not answer within two seconds.
        """
        try:
            with self._connected() as connection:
                connection.sendall(f"{commands}\n".encode())
                with connection.makefile(encoding="utf-8") as answer:
                    return answer.read().strip()
        except OSError as error:
            raise RolloutError(
                f"HAProxy does not answer at {self.address}: {error}", instead="start it, or see its log"
            ) from error

    def _connected(self) -> socket.socket:
        if self.address.startswith("/"):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(TIMEOUT_S)
            connection.connect(self.address)
            return connection
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S)

    def _tracks(self) -> list[Server]:
        found = [one for one in self.servers() if one.name in TRACKS]
        names = {one.backend: {other.name for other in found if other.backend == one.backend} for one in found}
        both = [one for one in found if names[one.backend] == set(TRACKS)]
        if not both:
            raise RolloutError(
                f"HAProxy at {self.address} has no backend with the servers stable and canary",
                instead="see deploy/haproxy/haproxy.cfg",
            )
        return both

    @staticmethod
    def _all_up(found: list[Server], track: Track) -> bool:
        return all(one.up for one in found if one.name == track)
