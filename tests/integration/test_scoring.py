"""`churn score` as its users start it: stopped, killed, started again, and spread over a Ray cluster."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from support.examples import STREAMFLOW
from support.processes import PATIENCE_S, churn, succeed, wait_until
from support.tables import rejected, scored, write_rows

from churn.contract.sampling import draw_columns
from churn.model.bundle import Bundle

ROWS, PART_ROWS = 600, 10
PARTS = ROWS // PART_ROWS
MOST_RUNS = 5  # where a run is over before it can be disturbed
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of many small parts; each 50th row is bad."""
    columns = draw_columns(STREAMFLOW, np.random.default_rng(8), ROWS)
    drawn = [{name: values[at].item() for name, values in columns.items()} for at in range(ROWS)]
    return write_rows(
        tmp_path_factory.mktemp("rows") / "rows.csv",
        [{"subscriber_id": at, **row, **({"tenure": -1} if at % 50 == 0 else {})} for at, row in enumerate(drawn)],
    )


@pytest.fixture(scope="module")
def expected(rows: Path, bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run writes."""
    out = tmp_path_factory.mktemp("expected") / "out"
    arguments = score_arguments(rows, out, bundles, "--workers", "1", "--json")
    summary = json.loads(succeed(out.parent, *arguments))
    assert (summary["rows"], summary["rejected"], summary["parts"]) == (ROWS, ROWS // 50, PARTS)
    assert len(scored(out)) == summary["scored"]
    assert len(rejected(out)) == summary["rejected"]
    return parts_of(out)


def score_arguments(rows: Path, out: Path, bundles: dict[str, Bundle], *more: str) -> list[str]:
    bundle = bundles["streamflow"].path
    return ["score", str(rows), "--out", str(out), "--bundle", str(bundle), "--part-rows", str(PART_ROWS), *more]


def parts_of(out: Path) -> dict[str, bytes]:
    """Every part that was made; a file that is being written is none."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("part-*.parquet")}


def workers_of(process: int, *, at_least: int) -> list[int]:
    """The worker processes of a process; none while there are fewer."""
    workers = [child for child in children_of(process) if "spawn_main" in command_of(child)]
    return workers if len(workers) >= at_least else []


def children_of(process: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def command_of(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_bytes().decode().replace("\0", " ")


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def stop_a_run(arguments: list[str], out: Path, victim: str) -> tuple[int, str, list[int]]:
    """Stop a run after its first parts. Gives its exit code, what it said, and its workers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "churn", *arguments, "--workers", "2"], stderr=subprocess.PIPE, text=True
    )
    workers = wait_until(lambda: workers_of(process.pid, at_least=2))
    # The parent hands out parts only a moment at a time, so the run rarely ends before it is disturbed.
    while len(list(out.glob("part-*.parquet"))) <= 2:
        process.send_signal(signal.SIGCONT)
        time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
    if victim == "worker":
        os.kill(workers[0], signal.SIGKILL)
    else:
        process.send_signal(signal.SIGKILL if victim == "parent" else signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    _, said = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said, workers


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker processes in /proc")
@pytest.mark.parametrize("victim", ["worker", "parent", "interrupted"])
def test_what_was_stopped_is_resumed_and_comes_out_as_if_nothing_had_been(
    rows: Path, expected: dict[str, bytes], bundles: dict[str, Bundle], tmp_path: Path, victim: str
) -> None:
    out = tmp_path / "out"
    arguments = score_arguments(rows, out, bundles)
    code, said, workers = stop_a_run(arguments, out, victim)
    for _ in range(MOST_RUNS):
        if code != 0:
            break
        shutil.rmtree(out)  # this run was whole before it was disturbed
        code, said, workers = stop_a_run(arguments, out, victim)
    assert code == {"worker": 1, "parent": -signal.SIGKILL, "interrupted": 130}[victim]
    assert ("a worker process was lost" in said) == (victim == "worker")
    assert "Traceback" not in said
    wait_until(lambda: not any(map(is_running, workers)))
    begun = parts_of(out)
    assert begun.items() < expected.items()
    assert victim == "parent" or not list(out.rglob(".unfinished-*"))
    summary = json.loads(succeed(tmp_path, *arguments, "--workers", "1", "--json"))
    assert summary["parts_reused"] >= 2
    assert parts_of(out) == expected
    assert not list(out.rglob(".unfinished-*"))


def test_the_command_says_what_it_did_and_what_it_will_not_do(
    rows: Path, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = score_arguments(rows, out, bundles, "--workers", "1")
    done = churn(tmp_path, *arguments, "--max-reject-share", "0.01")
    assert done.code == 3
    assert "rows are rejects" in done.err
    shown = succeed(tmp_path, *arguments)
    assert "rows without an answer, and why" in shown
    assert churn(tmp_path, *arguments, CHURN_THRESHOLD=0.5).code == 3
    assert "MODEL_VERSION asks for v9" in churn(tmp_path, *arguments, MODEL_VERSION="v9").err
    assert churn(tmp_path, *arguments, "--ray-address", "auto").code == 2


def test_a_missing_column_is_named_and_nothing_is_written(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", [{"tenure": 1}])
    done = churn(tmp_path, *score_arguments(path, tmp_path / "out", bundles))
    assert done.code == 3
    assert "has no column monthly_charges" in done.err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of two nodes, each with its own raylet and one CPU.

    In a process of its own, so that nothing of Ray stays behind in this one.
    """
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield next(line.split()[1] for line in process.stdout if line.startswith("address "))
    finally:
        process.stdin.close()
        process.wait(PATIENCE_S)
        process.stdout.close()


CLUSTER = """
import sys
from ray.cluster_utils import Cluster

node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=node)
cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
cluster.wait_for_nodes()
print("address", cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@needs_ray
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker processes in /proc")
def test_a_ray_cluster_loses_and_doubles_nothing_when_a_worker_is_killed(
    cluster: str, rows: Path, expected: dict[str, bytes], bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = score_arguments(rows, out, bundles, "--engine", "ray", "--ray-address", cluster, "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "churn", *arguments],
        env=os.environ | {"RAY_AUTH_MODE": "disabled"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    victim, *_ = wait_until(lambda: busy_ray_workers(cluster))
    # A worker that stands still cannot end its part, so the run cannot end before the worker is killed.
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: len(list(out.glob("part-*.parquet"))) > 2 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    os.kill(victim, signal.SIGKILL)
    made = len(list(out.glob("part-*.parquet")))
    shown, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert made < PARTS
    assert "worker died" in said
    summary = json.loads(shown)
    assert (summary["rows"], summary["rejected"], summary["parts_reused"]) == (ROWS, ROWS // 50, 0)
    assert parts_of(out) == expected


def busy_ray_workers(address: str) -> list[int]:
    """Workers of this cluster that are making a part; Ray names a process for what it does."""
    process_ids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            busy = command_of(int(folder.name)).startswith("ray::Map")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if busy and is_of_cluster(int(folder.name), address):
            process_ids.append(int(folder.name))
    return process_ids


def is_of_cluster(process: int, address: str) -> bool:
    """Whether the raylet that started the worker belongs to this cluster."""
    try:
        parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        return address in command_of(parent)
    except FileNotFoundError:
        return False
