"""How long a worker may take to start: as long as it makes progress, since what is short of CPU is only slow."""

from dataclasses import dataclass, field

IDLE_S = 60.0
LONGEST_S = 600.0


@dataclass
class StartLimit:
    """What is known of a worker's start, on a monotonic clock."""

    began_s: float
    _cpu_s: float | None = None
    _worked_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._worked_s = self.began_s

    def note(self, cpu_s: float | None, now_s: float) -> None:
        """Note the CPU seconds that the worker has used so far, where that can be known."""
        if cpu_s != self._cpu_s:
            self._cpu_s, self._worked_s = cpu_s, now_s

    def find_fault(self, now_s: float) -> str | None:
        """Say why the start has to be given up; None if it may go on."""
        if now_s - self._worked_s > IDLE_S:
            return f"did nothing for {IDLE_S:.0f} s while it started"
        if now_s - self.began_s > LONGEST_S:
            return f"was not ready within {LONGEST_S:.0f} s"
        return None
