"""The verdict on paired data."""

import numpy as np
import pytest
from support.examples import STREAMFLOW
from support.pair_sums import block, sum_up

from churn.errors import SettingsError
from churn.judging.mean_sequences import lower_bound, upper_bound
from churn.shadow.checks import DEFAULT_CHECKS, PairedCheck, judge_pairs
from churn.shadow.sums import ALL, BANNER_FLIPS, DIFFERENCE, OTHER_ORDER, TIER_FLIPS, PairSums


def verdict_of(*, noise: float, count: int) -> str:
    return judge_pairs(sum_up(STREAMFLOW, block(STREAMFLOW, seed=5, noise=noise, count=count))).decision


def test_a_model_is_fit_to_replace_itself_once_there_is_evidence() -> None:
    assert verdict_of(noise=0.0, count=30) == "hold"
    assert verdict_of(noise=0.0, count=3000) == "promote"


def test_a_model_that_answers_otherwise_is_not_fit() -> None:
    assert verdict_of(noise=1.0, count=300) == "roll back"


def test_without_a_pair_nothing_is_decided() -> None:
    verdict = judge_pairs(PairSums(STREAMFLOW))
    assert (verdict.decision, verdict.findings) == ("hold", ())


def test_a_finding_says_what_was_observed_what_is_sure_and_what_is_tolerated() -> None:
    sums = sum_up(STREAMFLOW, block(STREAMFLOW, seed=5, noise=0.3, count=2000))
    [finding] = judge_pairs(sums, [PairedCheck(TIER_FLIPS, 0.5)]).findings
    flips = sums.totals[ALL.index(TIER_FLIPS)]
    assert finding.effect == flips / 2000
    assert finding.low is not None
    assert finding.high is not None
    assert finding.low < flips / 2000 < finding.high < 0.5
    assert f"{flips / 20:.2f} % of 2,000 pairs" in finding.reason
    assert "50.00 % is tolerated" in finding.reason


def test_the_chance_of_a_false_alarm_is_shared_out_among_the_checks_and_that_of_a_false_promotion_is_not() -> None:
    sums = sum_up(STREAMFLOW, block(STREAMFLOW, seed=5, noise=0.3, count=2000))
    checks = [PairedCheck(TIER_FLIPS, 0.5, share=3), PairedCheck(BANNER_FLIPS, 0.5)]
    finding, _ = judge_pairs(sums, checks, false_rollback=0.01, false_promotion=0.05).findings
    flips = sums.totals[ALL.index(TIER_FLIPS)]
    counts = np.array([2000 - flips, flips])
    assert finding.low == lower_bound(np.array([0.0, 1.0]), counts, 0.0075)
    assert finding.high == upper_bound(np.array([0.0, 1.0]), counts, 0.05)


def test_of_the_mean_difference_each_single_difference_counts_and_not_only_how_many_differ() -> None:
    check = [PairedCheck(DIFFERENCE, 0.01)]
    small, large = (sum_up(STREAMFLOW, block(STREAMFLOW, seed=6, noise=noise, count=2000)) for noise in (0.005, 0.05))
    assert judge_pairs(small, check).decision == "promote"
    assert judge_pairs(large, check).decision == "roll back"


def test_one_check_beyond_its_tolerance_is_enough_and_the_reason_names_it() -> None:
    sums = sum_up(STREAMFLOW, block(STREAMFLOW, seed=5, noise=0.3, count=2000))
    verdict = judge_pairs(sums, [PairedCheck(BANNER_FLIPS, 0.9), PairedCheck(OTHER_ORDER, 0.01)])
    assert verdict.decision == "roll back"
    assert verdict.reason.startswith("other order: ")


@pytest.mark.parametrize(("tolerance", "share"), [(0, 1), (0.1, 0)])
def test_a_check_that_makes_no_sense_is_refused(tolerance: float, share: float) -> None:
    with pytest.raises(SettingsError):
        PairedCheck(TIER_FLIPS, tolerance, share=share)


def test_every_check_is_of_something_that_is_summed_up() -> None:
    assert {check.measure for check in DEFAULT_CHECKS} <= set(ALL)
