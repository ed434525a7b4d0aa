"""The simulation judges as the judge does, and the report shows what it counts."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.judge.figures import bound_share, summarise
from benchmarks.judge.plot import write_judge_plot
from benchmarks.judge.report import build_judge_report
from benchmarks.judge.simulation import (
    HEALTHY,
    SCENARIOS,
    USUAL,
    Behaviour,
    Scenario,
    draw_counts,
    find_outside,
    find_within,
    simulate,
)
from churn.judging.checks import DEFAULT_CHECKS, compare
from churn.judging.counts import Counts
from churn.judging.judge import JudgeInput, allot_levels, judge

CHECKS = tuple(check for check in DEFAULT_CHECKS if not check.measure.is_split)


def one_run(counts: Counts, run: int) -> Counts:
    """Of counts of many runs those of one."""

    def number(of_runs: Any) -> int:
        return int(of_runs[run])

    return Counts(
        requests=number(counts.requests),
        errors=number(counts.errors),
        latency=tuple(map(number, counts.latency)),
        predictions=number(counts.predictions),
        probability=tuple(map(number, counts.probability)),
        tiers={name: number(each) for name, each in counts.tiers.items()},
        banners=number(counts.banners),
        top_features={name: number(each) for name, each in counts.top_features.items()},
    )


@pytest.mark.parametrize("canary", [HEALTHY, replace(HEALTHY, errors=0.02, scores=(1.3422, 2.4)), SCENARIOS[-1].canary])
def test_many_runs_at_once_are_judged_like_each_of_them_alone(canary: Behaviour) -> None:
    random, runs = np.random.default_rng(3), 6
    totals = np.array([300, 2_000, 10_000, 40_000, 100_000, 400_000])
    stable, other = draw_counts(HEALTHY, totals, random), draw_counts(canary, totals // 9, random)
    earlier = draw_counts(HEALTHY, totals // 3, random)
    for run in range(runs):
        verdict = judge(CHECKS, JudgeInput(one_run(stable, run), one_run(other, run), 10, one_run(earlier, run)))
        for (check, level), finding in zip(allot_levels(CHECKS), verdict.findings, strict=True):
            found = compare(check.measure, stable, other, earlier)
            assert find_outside(check, found, level)[run] == finding.is_outside
            assert find_within(check, found, level)[run] == (finding.decision == "promote")


def test_counts_of_a_behaviour_add_up() -> None:
    counts = one_run(draw_counts(USUAL, np.array([5_000]), np.random.default_rng(1)), 0)
    assert sum(counts.latency) == counts.requests == 5_000
    assert sum(counts.probability) == sum(counts.tiers.values()) == counts.predictions == 5_000 - counts.errors


def test_a_bad_canary_is_rolled_back_and_the_same_version_is_not() -> None:
    bad = Scenario("bad", USUAL, replace(USUAL, errors=0.05), "roll back")
    ended = simulate(bad, runs=20, requests=8_000, seed=1).ended
    assert ended["judge: roll back"][-1] == 20
    assert ended["judge: promote"][-1] == 0
    same = simulate(SCENARIOS[0], runs=20, requests=8_000, seed=1).ended
    assert same["judge: roll back"][-1] == 0


def test_the_same_seed_gives_the_same_figures_page_and_plot(tmp_path: Path) -> None:
    def run(name: str) -> tuple[Any, str, bytes]:
        histories = [simulate(scenario, runs=3, requests=400, seed=2) for scenario in SCENARIOS]
        results = summarise(histories, seed=2)
        write_judge_plot(results, tmp_path / name)
        return results, build_judge_report(results), (tmp_path / name).read_bytes()

    results, page, plot = run("one.svg")
    assert (results, page, plot) == run("other.svg")
    assert all(f"| {scenario.name} |" in page for scenario in SCENARIOS)


def test_none_of_a_thousand_is_less_than_four_in_a_thousand() -> None:
    assert bound_share(0, 1000) == pytest.approx((0, 0.00368), abs=1e-5)
    assert bound_share(1000, 1000)[1] == 1


def test_the_program_writes_measurements_page_and_plot_and_the_latter_anew(tmp_path: Path) -> None:
    def run(*options: str) -> dict[str, bytes]:
        command = [sys.executable, "-m", "benchmarks.run", "--judge", *options, "--out", str(tmp_path)]
        subprocess.run(command, cwd=Path(__file__).parents[3], check=True, capture_output=True)
        return {path.name: path.read_bytes() for path in sorted(tmp_path.iterdir())}

    written = run("--runs", "2", "--requests", "500")
    assert list(written) == ["simulation.json", "simulation.md", "simulation.svg"]
    assert run("--report") == written
