"""Run all attacks, one after the other, and show what held. `scripts/attack` calls it."""

import argparse
import importlib
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.attack.summary import Summary
from churn.errors import ChurnError

# name, what is counted: whole, short
ATTACKS: dict[str, tuple[int, int]] = {
    "requests": (100_000, 3_000),
    "kills": (100, 3),
    "writer": (100, 5),
    "journals": (3000, 100),
    "files": (3000, 150),
    "tables": (20_000, 600),
    "answers": (2_000, 100),
    "controller": (100, 4),
    "batches": (60, 0),
    "container": (5_000, 0),
    "aws": (500, 25),
    "registry": (500, 12),
}


def main(arguments: list[str]) -> int:
    """Run the attacks that are asked for. Return 0 if all held, 1 if something did not, 2 if one could not run."""
    parser = argparse.ArgumentParser(prog="scripts/attack", add_help=False)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted(ATTACKS), default=list(ATTACKS), metavar="NAME")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    console = Console(stderr=True)
    console.print(f"seed {seed}: the same attacks again with --seed {seed}")
    table = Table("attack", "tried", "seconds", "held", "figures")
    summaries, status = [], 0
    for name in options.only:
        console.print(f"{name} ...")
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix=f"attack-{name}-", ignore_cleanup_errors=True) as folder:
                summary: Summary = importlib.import_module(f"benchmarks.attack.{name}").attack(
                    ATTACKS[name][options.short], seed, Path(folder)
                )
        except (ChurnError, OSError) as error:
            console.print(f"{name} could not run: {error}", markup=False)
            status = 2
            continue
        seconds = time.monotonic() - started
        status = max(status, int(bool(summary.faults)))
        summaries.append({**summary.summarize(), "seconds": round(seconds, 1)})
        figures = ", ".join(f"{key} {value:g}" for key, value in (summary.figures or {}).items())
        held = "skipped" if summary.skipped else "no" if summary.faults else "yes"
        table.add_row(name, f"{summary.tried:,}", f"{seconds:.0f}", held, summary.skipped or figures)
        for fault in summary.faults:
            console.print(f"  did not hold: {fault}", markup=False)
    if options.json:
        Console().print_json(data={"seed": seed, "attacks": summaries})
    else:
        Console().print(table)
    return status


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
