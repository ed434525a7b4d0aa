"""The simulated year: rules meet the same worlds, the oracle is the best of them, and the page follows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.learning.curve import BY_FIELDS, UNGATED, play_size
from benchmarks.learning.figures import Asked, summarise
from benchmarks.learning.plot import write_learning_plot
from benchmarks.learning.population import train_champion
from benchmarks.learning.report import build_learning_report, list_targets
from benchmarks.learning.rules import ASSUMPTIONS, BAD, ESTIMATES, GOOD, ORACLE, RULES, UPLIFT
from benchmarks.learning.world import Truth, draw_world
from benchmarks.learning.year import MONTHS, Earned, Stage, count_earned, play_year, set_stage

A_MONTH = 150
SEGMENTS = tuple(dict.fromkeys(rule.segments for rule in RULES))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    bundle = train_champion(tmp_path_factory.mktemp("learning"), rows=8_000)
    return set_stage(bundle.path, 6_000, 5, SEGMENTS)


@pytest.fixture(scope="module")
def years(stage: Stage) -> list[dict[str, Earned]]:
    return [play_year(stage, seed, a_month=A_MONTH) for seed in (0, 1)]


def test_the_oracle_earns_most_and_causes_no_leaver(years: list[dict[str, Earned]]) -> None:
    for year in years:
        assert list(year) == [ASSUMPTIONS, ESTIMATES, BAD, GOOD, UPLIFT, ORACLE]
        assert max(earned.money for earned in year.values()) == year[ORACLE].money
        assert year[ORACLE].leavers_caused < min(year[name].leavers_caused for name in year if name != ORACLE)


def test_the_same_seed_gives_the_same_year_and_another_another(stage: Stage, years: list[dict[str, Earned]]) -> None:
    assert play_year(stage, 1, a_month=A_MONTH) == years[1] != years[0]


def test_so_few_subscribers_leave_the_gate_of_the_uplift_closed(years: list[dict[str, Earned]]) -> None:
    for year in years:
        assert year[UPLIFT] == year[ESTIMATES]


def test_before_anything_is_ripe_a_rule_knows_nothing_but_the_assumptions(stage: Stage) -> None:
    """Segments change nothing until something was learnt, so all rules that learn begin alike."""
    [estimates, bad, good] = [rule for rule in RULES if rule.name in {ESTIMATES, BAD, GOOD}]
    begins = [stage.read_rates(rule).by_segment.value for rule in (estimates, bad, good)]
    assert all((rates[-1] == begins[0][-1]).all() for rates in begins)
    assert all((rates == rates[-1]).all() for rates in begins)


def test_what_is_counted_is_what_is_expected_with_holdout_and_lots(stage: Stage) -> None:
    truth = stage_truth(stage)
    nothing = count_earned(truth, np.zeros(len(stage.population), dtype=np.int64), share=0.0)
    assert nothing == Earned(0.0, 0.0)
    best = truth.choose_best()
    whole = float(truth.value.max(axis=1).sum())
    assert count_earned(truth, best, share=0.0).money == pytest.approx(0.9 * whole)
    assert count_earned(truth, best, share=0.5).money < 0.9 * whole


def stage_truth(stage: Stage) -> Truth:
    return draw_world(stage.menu, 3).meet(stage.population, stage.menu, 3)


def test_the_fields_allow_less_than_the_oracle_and_more_than_any_rule_on_average(stage: Stage) -> None:
    worth = play_size(stage, stage, 0, 4_000)
    assert worth[ORACLE] > worth[BY_FIELDS] > max(worth[rule] for rule in (ASSUMPTIONS, ESTIMATES, BAD, GOOD, UNGATED))


def test_page_and_plot_follow_from_the_figures(years: list[dict[str, Earned]], stage: Stage, tmp_path: Path) -> None:
    curve = {size: [play_size(stage, stage, seed, 2_000) for seed in (0, 1)] for size in (2_000, 500_000)}

    def build(name: str) -> tuple[Any, str, bytes]:
        results = summarise(Asked(len(years), (2_000,), A_MONTH, 0), years, curve)
        write_learning_plot(results, tmp_path / name)
        return results, build_learning_report(results), (tmp_path / name).read_bytes()

    results, page, plot = build("one.svg")
    assert (results, page, plot) == build("other.svg")
    assert f"{len(years)} invented worlds were played for {MONTHS} months" in page
    assert all(f"| {name} |" in page for name in years[0])
    shares = {line["rule"]: line["of_oracle"]["value"] for line in results["year"]}
    assert (shares[ASSUMPTIONS], shares[ORACLE]) == (0, 1)
    earned = {name: sum(year[name].money for year in years) for name in years[0]}
    expected = (earned[GOOD] - earned[ASSUMPTIONS]) / (earned[ORACLE] - earned[ASSUMPTIONS])
    assert shares[GOOD] == pytest.approx(expected)


def test_a_missed_target_is_named() -> None:
    low, high = ({"value": share, "low": share, "high": share} for share in (0.1, 0.95))
    less = {"value": -9.0, "low": -12.0, "high": -6.0}
    year = [{"rule": name, "of_oracle": low, "minus_estimates": less} for name in (BAD, GOOD, UPLIFT)]
    curve = [{"visitors": 500_000, "rules": [{"rule": UNGATED, "of_fields": high}]}]
    lines = list(list_targets({"year": year, "curve": curve}))
    assert ["Missed" in line for line in lines] == [True, True, True, False]
