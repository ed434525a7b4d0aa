"""Arms: the same for ever, as many as asked for, and drawn anew by another experiment."""

import math
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from churn.retention.offers.arms import draw_arm
from churn.retention.offers.document import Holdout

KEYS = [f"subscriber-{number}" for number in range(200_000)]
ONE_IN_A_THOUSAND = 10.83  # the chi-squared with one degree of freedom that chance exceeds so seldom
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)


def holdout(share: float = 0.10, experiment: str = "retention-banner-1") -> Holdout:
    return Holdout(share=share, experiment=experiment)


GOLDEN = {
    "a": "treatment",
    "b": "holdout",
    "c": "holdout",
    "d": "holdout",
    "7590-VHVEG": "treatment",
    "subscriber-1": "holdout",
    "~" * 128: "treatment",
    "ü": "treatment",
}


def test_the_lot_falls_as_it_always_has() -> None:
    """Whoever changes the hash ends every running experiment; these arms are not to be changed."""
    assert {key: draw_arm(key, holdout(0.5)) for key in GOLDEN} == GOLDEN
    held_out = [at for at, key in enumerate(KEYS[:200]) if draw_arm(key, holdout()) == "holdout"]
    assert held_out == [
        2,
        8,
        23,
        25,
        34,
        35,
        86,
        88,
        94,
        96,
        102,
        113,
        114,
        134,
        139,
        154,
        161,
        169,
        173,
        177,
        180,
        186,
        195,
    ]


def test_another_process_draws_the_same() -> None:
    script = (
        "import sys\nfrom churn.retention.offers.arms import draw_arm\n"
        "from churn.retention.offers.document import Holdout\n"
        "holdout = Holdout(share=0.1, experiment='retention-banner-1')\n"
        "print(*(draw_arm(key, holdout) for key in sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", script, *KEYS[:200]], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [draw_arm(key, holdout()) for key in KEYS[:200]]


@pytest.mark.parametrize("share", [0.05, 0.10, 0.5])
@pytest.mark.parametrize("experiment", ["retention-banner-1", "retention-banner-2", "telco-banner-1"])
def test_the_sample_ratio_is_the_one_asked_for(share: float, experiment: str) -> None:
    """Pearson's test: the sum of (found - expected)**2 / expected over both arms."""
    found = Counter[str](draw_arm(key, holdout(share, experiment)) for key in KEYS)
    expected = {"holdout": share * len(KEYS), "treatment": (1 - share) * len(KEYS)}
    assert set(found) == set(expected)
    assert sum((found[arm] - of) ** 2 / of for arm, of in expected.items()) < ONE_IN_A_THOUSAND


def test_two_experiments_draw_independently() -> None:
    """Pearson's test on the table of both arms."""
    one, other = holdout(0.3, "one"), holdout(0.5, "other")
    pairs = Counter[tuple[str, str]]((draw_arm(key, one), draw_arm(key, other)) for key in KEYS)
    arms = ("treatment", "holdout")
    table = [[pairs[row, column] for column in arms] for row in arms]
    assert chi2_contingency(table, correction=False).statistic < ONE_IN_A_THOUSAND


@given(keys, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_everybody_who_was_held_out(key: str, one: float, other: float) -> None:
    smaller, larger = sorted([one, other])
    if draw_arm(key, holdout(smaller)) == "holdout":
        assert draw_arm(key, holdout(larger)) == "holdout"


@given(keys)
def test_a_share_of_none_or_all_is_exact(key: str) -> None:
    assert draw_arm(key, holdout(0.0)) == "treatment"
    assert draw_arm(key, holdout(1.0)) == "holdout"


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_nobody_is_held_out(key: str | None) -> None:
    assert draw_arm(key, holdout(1.0)) == "unassigned"


def test_similar_keys_draw_far_apart() -> None:
    """Keys that are counted up are no excuse: neighbours share an arm as often as strangers do."""
    arms = [draw_arm(key, holdout(0.5)) for key in KEYS]
    same = sum(one == other for one, other in pairwise(arms))
    assert math.isclose(same / len(KEYS), 0.5, abs_tol=0.005)
