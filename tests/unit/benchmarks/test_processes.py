"""Servers are started, weighed and always stopped."""

import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.processes import Server, find_free_port, list_descendants

SERVES = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)

class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="this system has no smaps_rollup")


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_stopping_a_server_stops_its_workers_too_even_in_a_session_of_their_own(tmp_path: Path) -> None:
    port = find_free_port()
    with Server([sys.executable, "-c", SERVES, str(port)], os.environ, port, tmp_path / "log") as server:
        assert 0 < server.wait_for_answer("/predict", {}) < 60
        [worker] = list_descendants(server.process.pid)
        memory = server.measure_memory(workers=1)
        assert memory["rss"] >= memory["pss"] >= memory["uss"] > 0
        assert memory["all_pss"] > memory["pss"]
        assert alive(worker)
    assert server.process.returncode is not None
    deadline = time.monotonic() + 10
    while alive(worker) and time.monotonic() < deadline:  # the kernel takes its time with a killed process
        time.sleep(0.01)
    assert not alive(worker)


def test_a_server_that_does_not_start_is_reported_with_its_own_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no model here')"]
    with (
        Server(command, os.environ, find_free_port(), tmp_path / "log") as server,
        pytest.raises(RuntimeError, match="no model here"),
    ):
        server.wait_for_answer("/predict", {})
