"""How many CPUs this process may really use, in a container often fewer than the machine has; how much one has used."""

import os
from pathlib import Path

CONTROL_GROUP = Path("/sys/fs/cgroup")


def count_usable_cpus() -> int:
    """Count the CPUs this process is scheduled on, or those its container's quota is worth if that is less."""
    return max(1, min(_count_scheduled_cpus(), read_cpu_quota(CONTROL_GROUP) or _count_scheduled_cpus()))


def read_cpu_quota(control_group: Path) -> int | None:
    """Read how many whole CPUs a control group may use; None without a limit.

    A part of a CPU does not count, for a worker that has only that is stopped in the middle of a request; what is
    less than one CPU counts as one.

    Args:
        control_group: where a container sees its own group, in the layout of version 2 or 1.
    """
    version_2 = _read_words(control_group / "cpu.max")  # such as `150000 100000`: microseconds of each period, or `max`
    version_1 = [
        *_read_words(control_group / "cpu/cpu.cfs_quota_us"),
        *_read_words(control_group / "cpu/cpu.cfs_period_us"),
    ]
    match version_2 or version_1:
        case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period):
            return max(1, int(quota) // int(period))
        case _:
            return None


def read_cpu_s(process: int | None) -> float | None:
    """Read the CPU seconds that a process has used, in whole ticks; None if it is gone or the system does not tell."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    user, system = status.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _read_words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []


def _count_scheduled_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
