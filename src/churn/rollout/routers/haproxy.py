"""HAProxy, by its runtime interface. The servers `stable`, `canary` and `baseline` of all backends move together."""

import csv
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from churn.errors import RolloutError, SettingsError
from churn.rollout.routers.router import BASELINE, TRACKS, Track, percent_from_weights, split_percent

TIMEOUT_S = 2.0  # for a whole answer, however slowly it comes
MOST_BYTES = 4_000_000  # of an answer
MOST_WEIGHT = 256  # HAProxy's own limit


@dataclass(frozen=True, slots=True)
class Server:
    """A server as HAProxy sees it."""

    backend: str
    name: str
    status: str  # such as `UP`, `UP 1/2` (one check failed), `DOWN`, `MAINT`
    weight: int  # compared with the other servers of its backend

    @property
    def track(self) -> Track | None:
        """The track that it serves; None if it is none of a rollout."""
        return next((track for track in (*TRACKS, BASELINE) if track == self.name), None)

    @property
    def is_up(self) -> bool:
        """Whether the server gets requests."""
        return self.status.startswith(("UP", "no check"))


class HAProxy:
    """Move weights by the runtime interface at `HOST:PORT`, or at the path of a socket.

    Every backend that has the servers is moved, such as one by turns and one by subscriber. A server `baseline` gets
    nothing where the rollout has none.
    """

    def __init__(self, address: str, *, has_baseline: bool = False) -> None:
        self.address = address
        self._has_baseline = has_baseline
        host, _, port = address.rpartition(":")
        if not address.startswith("/") and not (host and port.isdecimal()):
            raise SettingsError(
                f"{address or 'nothing'} is not where HAProxy listens", instead="write haproxy://127.0.0.1:9999"
            )

    def list_servers(self) -> list[Server]:
        """Return all servers of all backends.

        Raises:
            RolloutError: HAProxy does not answer, or not as HAProxy does.
        """
        text = self.send("show stat")
        if not text.startswith("# pxname"):
            raise RolloutError(f"HAProxy at {self.address} answers what cannot be understood: {text[:80]!r}")
        rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
        try:
            # type 2 is a server; 0 and 1 are frontends and backends.
            return [_server_from_row(row) for row in rows if row["type"] == "2"]
        except (csv.Error, ValueError, TypeError, LookupError) as error:
            message = f"HAProxy at {self.address} answers what cannot be understood: {str(error)[:80]!r}"
            raise RolloutError(message, instead="see that this is its runtime interface, and its version") from error

    def read_weight(self) -> float:
        """Return the canary's share in percent. If backends differ, the largest, so that a rollback reaches all."""
        servers = self._list_tracks()
        sums = dict.fromkeys((server.backend for server in servers), 0)
        for server in servers:
            sums[server.backend] += server.weight
        canaries = [server for server in servers if server.name == "canary"]
        return max(percent_from_weights(sums[server.backend] - server.weight, server.weight) for server in canaries)

    def set_weight(self, percent: int) -> None:
        """Give the canary that share in every backend, by one line that HAProxy carries out at once."""
        weights = split_percent(percent, has_baseline=self._has_baseline)
        servers = self._list_tracks()
        if percent and not _are_up(servers, "canary"):
            raise RolloutError("HAProxy sees the canary down, so it can get no requests", instead="start the canary")
        commands = (
            f"set weight {server.backend}/{track} {weights[track]}" for server in servers if (track := server.track)
        )
        if refused := self.send("; ".join(commands)):
            raise RolloutError(f"HAProxy refused: {refused}")

    def is_healthy(self, track: Track) -> bool:
        """Return whether the track passes HAProxy's checks in every backend."""
        return _are_up(self._list_tracks(), track)

    def send(self, commands: str) -> str:
        """Send commands. Return the answer, which is empty if HAProxy obeyed.

        Raises:
            RolloutError: it does not answer within two seconds.
        """
        until, answer = time.monotonic() + TIMEOUT_S, bytearray()
        try:
            with self._connect() as connection:
                connection.sendall(f"{commands}\n".encode())
                while len(answer) <= MOST_BYTES and (part := connection.recv(1 << 16)):
                    answer += part
                    connection.settimeout(max(until - time.monotonic(), 0.001))
            text = answer.decode().strip()
        except (OSError, ValueError) as error:
            raise RolloutError(
                f"HAProxy does not answer at {self.address}: {error}", instead="start it, or see its log"
            ) from error
        if len(answer) > MOST_BYTES:
            raise RolloutError(f"HAProxy at {self.address} answers more than {MOST_BYTES:,} bytes")
        return text

    def _connect(self) -> socket.socket:
        if self.address.startswith("/"):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(TIMEOUT_S)
            connection.connect(self.address)
            return connection
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S)

    def _list_tracks(self) -> list[Server]:
        """Return the servers of all tracks, of the backends that have all."""
        servers = [server for server in self.list_servers() if server.track]
        names = {server.backend: sorted(s.name for s in servers if s.backend == server.backend) for server in servers}
        needed = sorted([*TRACKS, BASELINE])
        complete = [needed] if self._has_baseline else [needed, sorted(TRACKS)]
        chosen = [server for server in servers if names[server.backend] in complete]
        if not chosen:
            raise RolloutError(
                f"HAProxy at {self.address} has no backend with the servers {', '.join(complete[-1])}",
                instead="see deploy/haproxy/haproxy.cfg",
            )
        return chosen


def _server_from_row(row: Mapping[str, str]) -> Server:
    weight = int(row["uweight"] or row["weight"])
    if not 0 <= weight <= MOST_WEIGHT or not row["status"]:
        raise ValueError(f"{row['svname']} has the weight {weight} and the status {row['status']}")
    return Server(row["pxname"], row["svname"], row["status"], weight)


def _are_up(servers: list[Server], track: Track) -> bool:
    return all(server.is_up for server in servers if server.name == track)
