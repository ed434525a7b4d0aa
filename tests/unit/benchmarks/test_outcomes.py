"""The simulation of outcomes asks what the report asks, and its truth is the truth."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.outcomes.figures import join_runs, summarise
from benchmarks.outcomes.plot import write_outcomes_plot
from benchmarks.outcomes.report import build_outcomes_report, list_missed
from benchmarks.outcomes.simulation import ADVICE, AUC, AUC_UNTREATED, EFFECT, look_often, simulate
from benchmarks.outcomes.world import (
    CHANGE_DAY,
    LOOK_DAYS,
    SCENARIOS,
    WORKING,
    Phase,
    Scenario,
    draw_people,
    find_effects,
    find_truth,
)

RENAMED = replace(WORKING, second=Phase("two", 0.2))
RISING = next(scenario for scenario in SCENARIOS if "rises" in scenario.name)
EARLY = next(scenario for scenario in SCENARIOS if not scenario.has_horizon)


@pytest.mark.parametrize("scenario", [WORKING, RENAMED, RISING])
def test_the_true_effect_is_the_difference_between_the_arms_of_many(scenario: Scenario) -> None:
    everybody = draw_people(scenario, 150_000, np.random.default_rng(1), evenly=True)
    effects = find_effects(scenario, everybody, np.inf)
    counted = np.isfinite(everybody.visits) & everybody.has_banner[:, None]
    if scenario.second.experiment != scenario.first.experiment:
        counted &= everybody.in_second  # only the second experiment
    elif scenario.second != scenario.first:
        counted &= ~everybody.in_second  # only those who came under the first share
    at = counted.argmax(axis=1)
    treated = everybody.treated[np.arange(len(at)), at]
    came = counted.any(axis=1)
    phase = scenario.first if scenario is RISING else scenario.second
    difference = everybody.left[came & treated].mean() - everybody.left[came & ~treated].mean()
    assert difference == pytest.approx(effects[phase.experiment, phase.share], abs=0.01)
    assert effects[phase.experiment, phase.share] == pytest.approx(scenario.effect, abs=0.05)


def test_a_banner_that_works_spoils_the_auc_as_seen_alone() -> None:
    truth, without = find_truth(WORKING, np.inf), find_truth(EARLY, np.inf)
    assert truth.auc < truth.auc_untreated - 0.05
    assert truth.auc_untreated == pytest.approx(without.auc, abs=1e-3)
    assert without.lift == pytest.approx(2, abs=0.01)
    assert without.left[7] == pytest.approx(0.75, abs=0.01)


def test_who_left_does_not_come_again_and_a_larger_share_holds_out_the_same_people() -> None:
    people = draw_people(RISING, 4_000, np.random.default_rng(2))
    comes = np.isfinite(people.visits)
    last = np.where(comes, people.visits, 0).max(axis=1)
    assert (last <= people.decided)[people.left].all()
    assert (last > people.decided).any()
    assert ((people.visits >= CHANGE_DAY) == people.in_second)[comes].all()
    stays_held = ~people.treated[:, 0] & ~people.in_second[:, 0]
    assert not people.treated[stays_held].any()


def test_while_stayers_are_missing_only_the_effect_is_claimed() -> None:
    people = draw_people(EARLY, 300, np.random.default_rng(3))
    looks = [({claim.figure[0] for claim in claims}, summary) for summary, claims in look_often(EARLY, people)]
    assert looks[0][0] == {EFFECT}
    assert looks[0][1].missing > 0
    assert {EFFECT, AUC} < looks[-1][0]
    assert looks[-1][1].missing == 0


def test_without_an_effect_hardly_any_run_is_given_an_advice_and_the_intervals_hold() -> None:
    """A short form of the committed simulation: the same people, fewer runs."""
    for scenario in (SCENARIOS[0], SCENARIOS[1], WORKING):
        runs = simulate(scenario, range(3), seed=0)
        for (figure, _), claims in runs.claims.items():
            _, low, high, truth = claims[~np.isnan(claims[..., 0])].T
            assert figure != EFFECT or ((low <= truth) & (truth <= high)).all()
        if not scenario.effect:
            assert (runs.advice == ADVICE.index("hold")).all()


def test_the_same_seed_gives_the_same_figures_page_and_plot_however_the_runs_are_parted(tmp_path: Path) -> None:
    def run(name: str, *parts: range) -> tuple[Any, str, bytes]:
        played = [
            join_runs([simulate(scenario, part, seed=2, people=150) for part in parts]) for scenario in SCENARIOS[1:4]
        ]
        results = summarise(played, seed=2, people=150)
        write_outcomes_plot(results, tmp_path / name)
        return results, build_outcomes_report(results), (tmp_path / name).read_bytes()

    results, page, plot = run("one.svg", range(3))
    assert (results, page, plot) == run("other.svg", range(1), range(1, 3))
    assert all(f"| {scenario.name} |" in page for scenario in SCENARIOS[1:4])


def test_an_interval_that_holds_too_rarely_is_named() -> None:
    share = {"share": 0.93, "low": 0.91, "high": 0.945}
    figure = {"figure": AUC_UNTREATED, "which": "", "every_look": True, "last": share, "every": share}
    results = {"scenarios": [{"name": "a story", "figures": [figure]}]}
    assert list_missed(results) == [
        "- a story, AUC had nobody been treated: 93.0 % (91.0 % to 94.5 %) at the last look",
        "- a story, AUC had nobody been treated: 93.0 % (91.0 % to 94.5 %) at every look",
    ]
    assert len(LOOK_DAYS) > 2


def test_the_program_writes_measurements_page_and_plot_and_the_latter_anew(tmp_path: Path) -> None:
    def run(*options: str) -> dict[str, bytes]:
        command = [sys.executable, "-m", "benchmarks.run", "--outcomes", *options, "--out", str(tmp_path)]
        subprocess.run(command, cwd=Path(__file__).parents[3], check=True, capture_output=True)
        return {path.name: path.read_bytes() for path in sorted(tmp_path.iterdir())}

    written = run("--runs", "1")
    assert list(written) == ["simulation.json", "simulation.md", "simulation.svg"]
    assert run("--report") == written
