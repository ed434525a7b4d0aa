"""Instructions are counted by callgrind, and the report takes off what a worker does without requests."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.callgrind import read_total
from benchmarks.instructions import COUNTED_SYSTEMS, count_samples, start_counted
from benchmarks.instructions_report import (
    IDLE,
    MIX,
    build_instructions_report,
    build_instructions_table,
    take_median_instructions,
)


def results(instructions: list[int]) -> dict[str, Any]:
    samples = [{"requests": MIX, "answers": 100, "instructions": count, "seconds": 2.0} for count in instructions]
    idle = {"requests": IDLE, "answers": 0, "instructions": 50_000, "seconds": 5.0}
    return {
        "date": "2026-01-01",
        "machine": {
            **dict.fromkeys(("cpu", "system", "python", "valgrind"), "some"),
            "python_is_optimised": False,
            "libraries": {"numpy": "2"},
        },
        "settings": {"rounds": len(samples), "warm_up": 500, "answers": 100, "idle_s": 5},
        "labels": {"ours": "this service"},
        "samples": [{"system": "ours", "round": number} | row for number, row in enumerate([*samples, idle])],
    }


def test_an_answer_has_the_median_over_the_samples_without_what_the_worker_does_when_idle() -> None:
    measured = results([1_020_000, 3_020_000, 2_020_000])
    assert take_median_instructions(measured, "ours", MIX) == 20_000
    assert "| this service | mix | 20,000 | 10,000 to 30,000 | 10,000 |" in build_instructions_report(measured)


def test_a_run_is_shown_beside_the_one_before() -> None:
    now, before = results([1_020_000]), results([2_020_000])
    assert "| this service | mix | 10,000 | 10,000 to 10,000 | 10,000 | 20,000 | -50.0% |" in build_instructions_table(
        now, before
    )
    assert take_median_instructions(before, "floor", MIX) is None


def test_a_file_without_a_total_is_refused() -> None:
    assert read_total("events: Ir\nfn=(1) main\n1 5\ntotals: 5\n") == 5
    with pytest.raises(RuntimeError, match="without a total"):
        read_total("events: Ir\n")


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="this machine has no valgrind")
def test_the_instructions_of_each_kind_of_request_are_counted_in_each_round(tmp_path: Path) -> None:
    bare = COUNTED_SYSTEMS[-1]
    settings = {"rounds": 2, "answers": 20, "idle_s": 0.1}
    with start_counted(bare, tmp_path, {}) as callgrind:
        samples = list(count_samples(callgrind, [b"{}"], settings, lambda _: None))
    assert [(row["round"], row["requests"], row["answers"]) for row in samples] == [
        (0, MIX, 20),
        (0, IDLE, 0),
        (1, MIX, 20),
        (1, IDLE, 0),
    ]
    assert all(10_000 < row["instructions"] / row["answers"] < 1_000_000 for row in samples if row["answers"])
