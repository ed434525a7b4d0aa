"""How many CPUs a process may use, by what the control groups of a container say."""

import os
import subprocess
from pathlib import Path

import pytest

from churn.cpus import count_usable_cpus, read_cpu_quota, read_cpu_s


@pytest.mark.parametrize(
    ("cpu_max", "cpus"),
    [
        ("200000 100000\n", 2),
        ("50000 25000\n", 2),
        ("150000 100000\n", 1),
        ("10000 100000\n", 1),
        ("max 100000\n", None),
        ("max\n", None),
        ("", None),
        ("200000 0\n", None),
        ("much of it\n", None),
    ],
)
def test_a_container_may_use_the_whole_cpus_of_its_quota_and_at_least_one(
    tmp_path: Path, cpu_max: str, cpus: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(cpu_max)
    assert read_cpu_quota(tmp_path) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("400000\n", 4), ("30000\n", 1), ("-1\n", None)])
def test_an_older_kind_of_container_says_it_in_two_files(tmp_path: Path, quota: str, cpus: int | None) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert read_cpu_quota(tmp_path) == cpus


def test_a_machine_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert read_cpu_quota(tmp_path / "none") is None


def test_there_is_always_a_cpu_and_never_one_more_than_the_machine_has() -> None:
    assert 1 <= count_usable_cpus() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not tie processes to CPUs")
def test_a_process_tied_to_one_cpu_uses_one() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert count_usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
def test_the_cpu_that_a_process_has_used_grows_until_it_is_gone() -> None:
    before = read_cpu_s(os.getpid())
    assert before
    while read_cpu_s(os.getpid()) == before:
        sum(range(1000))
    process = subprocess.Popen(["true"])
    process.wait()
    assert read_cpu_s(process.pid) is None
