"""The simulation judges as the judge does, and the report shows what it counts."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.judge.figures import bound_share, summarise
from benchmarks.judge.habits import ONCE
from benchmarks.judge.plot import write_judge_plot
from benchmarks.judge.population import Differences, Model, compare_models
from benchmarks.judge.report import build_judge_report
from benchmarks.judge.samples import find_outside, find_within
from benchmarks.judge.scenarios import (
    AT_TOLERANCE,
    HEALTHY,
    RETRAINED,
    SCENARIOS,
    SHIFTED,
    SWAPPED,
    USUAL,
    Behaviour,
    Scenario,
)
from benchmarks.judge.simulation import ROLLBACK, draw_counts, simulate
from churn.judging.checks import DEFAULT_CHECKS, ERRORS, MEASURES, Check
from churn.judging.comparison import compare
from churn.judging.counts import Counts, StepAnswers
from churn.judging.findings import Levels
from churn.judging.judge import JudgeInput, allot_levels, judge
from churn.judging.pair_findings import is_outside, is_within
from churn.judging.pairs import PairCounts
from churn.judging.samples import find_in_samples
from churn.judging.step_sequences import select_parts

FOLLOWING = Check("error share", ERRORS, 0.001, "up", relative_tolerance=0.5)
LEVELS = Levels(0.001, 0.05)
CHECKS = tuple(check for check in DEFAULT_CHECKS if not (check.measure.is_split or check.measure.is_paired))
IN_PAIRS = tuple(check for check in DEFAULT_CHECKS if check.measure.is_paired)
LETTERS = "abcdefghij"  # parts whose names do not matter
FIRST = Model()


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


@pytest.mark.parametrize("canary", [HEALTHY, replace(HEALTHY, errors=0.02), replace(HEALTHY, latency_ms=6.0)])
def test_many_runs_at_once_are_judged_like_each_of_them_alone(canary: Behaviour) -> None:
    random, runs = np.random.default_rng(3), 6
    totals = np.array([300, 2_000, 10_000, 40_000, 100_000, 400_000])
    stable, other = draw_counts(HEALTHY, totals, random), draw_counts(canary, totals // 9, random)
    earlier = draw_counts(HEALTHY, totals // 3, random)
    for run in range(runs):
        verdict = judge(CHECKS, JudgeInput(one_run(stable, run), one_run(other, run), 10, one_run(earlier, run)))
        for (check, level), finding in zip(allot_levels(CHECKS), verdict.findings, strict=True):
            found = compare(check.measure, [StepAnswers(stable, other, earlier)])
            assert find_outside(check, found, level)[run] == finding.is_outside
            assert find_within(check, found, level)[run] == (finding.decision == "promote")


@pytest.mark.parametrize("canary", [FIRST, RETRAINED, SHIFTED, SWAPPED])
def test_pairs_of_many_runs_are_judged_like_those_of_each_run_alone(canary: Model) -> None:
    subscribers = np.array([0, 50, 100, 300, 2_000])
    drawn = compare_models(FIRST, canary).draw(subscribers, np.random.default_rng(4))
    nothing = JudgeInput(Counts(requests=1), Counts(requests=1), 10)
    for run, count in enumerate(subscribers):
        parts = {
            measure: {
                part: (int(plus), int(minus))
                for part, (minus, _, plus) in zip(MEASURES[measure].parts or LETTERS, signs[run], strict=False)
            }
            for measure, signs in drawn.items()
        }
        verdict = judge(IN_PAIRS, replace(nothing, pairs=PairCounts(int(count), parts)))
        for (check, level), finding in zip(allot_levels(IN_PAIRS), verdict.findings, strict=True):
            signs = drawn[check.measure.name]
            assert is_outside(check, signs, level)[run] == finding.is_outside
            assert is_within(check, signs, level)[run] == (finding.decision == "promote")


def test_a_version_compared_with_itself_differs_nowhere_and_the_one_at_the_tolerance_by_so_much() -> None:
    def largest(differences: Differences) -> float:
        return max(float(np.abs(differences.true_effects(measure)).max()) for measure in differences.patterns)

    assert largest(compare_models(FIRST, FIRST)) == 0
    assert largest(compare_models(FIRST, AT_TOLERANCE)) == pytest.approx(0.05, abs=1e-4)
    assert largest(compare_models(FIRST, RETRAINED)) < 0.01


def test_who_asks_often_is_no_evidence_in_pairs_and_fools_shares_of_requests() -> None:
    often = Scenario("often", HEALTHY, HEALTHY, "promote", requests_each=20)
    ended = simulate(often, runs=20, requests=20_000, seed=1).ended
    assert ended["judge: roll back"][-1] == ended["shadow: outside"][-1] == 0
    assert ended["shadow: within"][-1] == 20
    assert ended["shares of requests"][-1] > 15


@pytest.mark.parametrize("canary", [0, 20, 60, 75, 90, 200])
@pytest.mark.parametrize("stable", [0, 45, 450, 4500])
def test_bounds_of_a_tolerance_that_follows_stable_say_what_is_proven(stable: int, canary: int) -> None:
    of_stable, of_canary = Counts(requests=90_000, errors=stable), Counts(requests=10_000, errors=canary)
    [finding] = find_in_samples([(FOLLOWING, LEVELS)], [StepAnswers(of_stable, of_canary)])
    assert finding.effect is not None
    assert finding.low is not None
    assert finding.high is not None
    assert finding.effect == pytest.approx(canary / 10_000 - stable / 90_000)
    assert finding.low <= finding.effect + 1e-5
    assert finding.effect <= finding.high + 1e-5
    comparison = compare(ERRORS, [StepAnswers(of_stable, of_canary)])
    one_run = comparison._replace(
        proportions=select_parts(comparison.proportions, np.array([[0]])), selected=comparison.selected[None]
    )
    assert find_outside(FOLLOWING, one_run, LEVELS)[0] == finding.is_outside
    assert find_within(FOLLOWING, one_run, LEVELS)[0] == finding.is_within


@pytest.mark.parametrize(("stable", "canary"), [(0.005, 0.0075), (0.0005, 0.0015), (0.002, 0.003)])
def test_at_a_tolerance_that_follows_stable_one_is_ever_sure_as_rarely_as_promised(
    stable: float, canary: float
) -> None:
    """At 0.2, so that a slip shows in few runs: 150 looks at 300 runs, a canary of a tenth."""
    random, runs, levels = np.random.default_rng(8), 300, Levels(0.2, 0.2)
    outside, within = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
    tracks = {share: Counts() for share in (stable, canary)}
    for _ in range(150):
        for share, requests in ((stable, 900), (canary, 100)):
            errors: Any = random.binomial(requests, share, runs)
            tracks[share] += Counts(requests=np.full(runs, requests), errors=errors)  # type: ignore[arg-type] # many runs
        comparison = compare(ERRORS, [StepAnswers(*tracks.values())])
        outside |= find_outside(FOLLOWING, comparison, levels)
        within |= find_within(FOLLOWING, comparison, levels)
    assert outside.mean() <= 0.2
    assert within.mean() <= 0.2


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


IN_A_ROW = [
    scenario
    for scenario in SCENARIOS
    if scenario.habit != ONCE and scenario.should == "promote" and scenario.times == 1
]


@pytest.mark.parametrize("scenario", IN_A_ROW, ids=lambda scenario: scenario.name)
def test_failures_in_a_row_and_retries_send_no_good_version_back(scenario: Scenario) -> None:
    history = simulate(scenario, runs=60, requests=20_000, seed=5)
    assert history.ended[ROLLBACK][-1] <= 1


def test_where_nobody_tells_repeats_the_same_version_is_sent_back() -> None:
    [untold] = [scenario for scenario in SCENARIOS if scenario.name.endswith("does not tell repeats")]
    assert simulate(untold, runs=40, requests=20_000, seed=5).ended[ROLLBACK][-1] > 20


def test_a_version_that_fails_for_more_subscribers_is_sent_back_though_each_fails_many_times() -> None:
    [worse] = [scenario for scenario in SCENARIOS if scenario.name == "0.5 % to 2 % fail, who fails asks 5 to 50 times"]
    assert simulate(worse, runs=40, requests=40_000, seed=5).ended[ROLLBACK][-1] >= 38
