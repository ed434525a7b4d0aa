"""What an attack found."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Summary:
    """Count what an attack tried, and name what did not hold.

    Attributes:
        attack: its name, the one that `--only` takes.
        tried: the number of inputs, kills or answers.
        faults: one sentence for each kind of fault, with the seed or input that shows it. Empty if all held.
        figures: other measured values by name with unit, such as `largest_process_mb`.
        skipped: what this machine lacks, if the attack did not run.
    """

    attack: str
    tried: int
    faults: tuple[str, ...] = ()
    figures: dict[str, float] | None = None
    skipped: str = ""

    def summarize(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "held": not (self.faults or self.skipped)}
