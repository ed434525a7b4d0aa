"""The simulation judges as the judge does, and what it counts is what is told."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.judge.plot import simulation_plot, svg
from benchmarks.judge.report import interval, page, summary, tables
from benchmarks.judge.simulation import (
    HEALTHY,
    SCENARIOS,
    USUAL,
    Behaviour,
    Scenario,
    answers,
    simulate,
    surely_outside,
    surely_within,
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
    stable, other = answers(HEALTHY, totals, random), answers(canary, totals // 9, random)
    earlier = answers(HEALTHY, totals // 3, random)
    for run in range(runs):
        verdict = judge(CHECKS, JudgeInput(one_run(stable, run), one_run(other, run), 10, one_run(earlier, run)))
        for (check, level), finding in zip(allot_levels(CHECKS), verdict.findings, strict=True):
            found = compare(check.measure, stable, other, earlier)
            assert surely_outside(check, found, level)[run] == finding.is_outside
            assert surely_within(check, found, level)[run] == (finding.decision == "promote")


def test_counts_of_a_behaviour_add_up() -> None:
    counts = one_run(answers(USUAL, np.array([5_000]), np.random.default_rng(1)), 0)
    assert sum(counts.latency) == counts.requests == 5_000
    assert sum(counts.probability) == sum(counts.tiers.values()) == counts.predictions == 5_000 - counts.errors


def test_a_bad_canary_is_rolled_back_and_the_same_version_is_not() -> None:
    bad = Scenario("bad", USUAL, replace(USUAL, errors=0.05), "roll back")
    ended = simulate(bad, runs=20, requests=8_000, seed=1).ended
    assert ended["judge: roll back"][-1] == 20
    assert ended["judge: promote"][-1] == 0
    same = simulate(SCENARIOS[0], runs=20, requests=8_000, seed=1).ended
    assert same["judge: roll back"][-1] == 0


def test_the_same_seed_gives_the_same_figures_page_and_picture() -> None:
    def made() -> tuple[Any, str, bytes]:
        courses = [simulate(scenario, runs=3, requests=400, seed=2) for scenario in SCENARIOS]
        figures = summary(courses, seed=2)
        return figures, page(figures), svg(simulation_plot(figures))

    assert made() == made()


def test_the_page_has_a_row_for_each_scenario() -> None:
    figures = summary([simulate(scenario, runs=2, requests=500, seed=0) for scenario in SCENARIOS], seed=0)
    for _, columns, rows in tables(figures):
        assert [row[0] for row in rows] == [scenario.name for scenario in SCENARIOS]
        assert {len(row) for row in rows} == {len(columns)}
    assert all(f"| {scenario.name} |" in page(figures) for scenario in SCENARIOS)


def test_none_of_a_thousand_is_less_than_four_in_a_thousand() -> None:
    assert interval(0, 1000) == pytest.approx((0, 0.00368), abs=1e-5)
    assert interval(1000, 1000)[1] == 1


def test_the_program_writes_tables_and_a_picture(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.judge", "--runs", "2", "--requests", "500", "--out", str(tmp_path)]
    subprocess.run(command, cwd=Path(__file__).resolve().parents[3], check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["simulation.json", "simulation.md", "simulation.svg"]
