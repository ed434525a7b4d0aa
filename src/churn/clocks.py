"""The clocks of this machine, compared: the wall clock may be set, the time since the machine started may not."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Clock:
    """What the clocks show at one moment.

    Args:
        wall_s: seconds since 1970.
        running_s: seconds since the machine started, sleep included.
        boot: the id of that start; empty if the machine does not tell.
    """

    wall_s: float
    running_s: float
    boot: str

    def measure_since(self, earlier: Self) -> float:
        """Return how many seconds have surely passed since an earlier moment; 0 if the machine has started anew."""
        return max(0.0, self.running_s - earlier.running_s) if self.boot == earlier.boot else 0.0

    def gain_since(self, earlier: Self) -> float:
        """Return by how many seconds more than that the wall clock has moved; less than 0 if it was set back."""
        return self.wall_s - earlier.wall_s - self.measure_since(earlier)


def find_today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def read_clock() -> Clock:
    """Read the clocks of this machine."""
    boot = BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else ""
    running_s = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
    return Clock(time.time(), running_s, boot)
