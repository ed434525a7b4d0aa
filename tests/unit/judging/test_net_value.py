"""Net values in pairs: when the canary's offers surely bring too little, and what is said where nobody knows."""

from dataclasses import replace

import numpy as np
import pytest

from churn.errors import SettingsError
from churn.judging.checks import ERRORS, GUARDRAILS, NET_VALUE, Check
from churn.judging.findings import Finding, Levels
from churn.judging.guardrails import FALSE_ROLLBACK_BY_GUARDRAILS
from churn.judging.judge import allot_levels
from churn.judging.net_value import STEPS, NetValues, find_net_value, is_outside, is_within

[CHECK] = [check for check in GUARDRAILS if check.measure == NET_VALUE]
LEVEL = Levels(0.01, 0.05)


def find(*steps: tuple[int, int, int], unread: int = 0, why: str = "", largest: float = 250.0) -> Finding:
    return find_net_value(CHECK, LEVEL, NetValues("EUR", largest, steps, unread), why)


def test_the_same_values_are_within_after_some_subscribers_and_before_it_says_how_many_more() -> None:
    assert find((0, 0, 600), (10, 10, 400)).decision == "promote"
    waiting = find((0, 0, 60), (10, 10, 40))
    assert waiting.decision == "hold"
    assert "20.00 EUR by the canary and 20.00 EUR by stable" in waiting.reason
    assert "more subscribers in all" in waiting.reason


def test_offers_that_bring_too_little_send_the_canary_back_and_their_worth_is_named() -> None:
    found = find((0, 0, 600), (0, 10, 100), (10, 10, 300))
    assert found.decision == "roll back"
    assert found.effect == pytest.approx(0.25)
    assert found.low is not None
    assert 0.1 < found.low < 0.25
    assert "for each of 1,000 subscribers 15.00 EUR by the canary and 20.00 EUR by stable" in found.reason


def test_offers_that_bring_more_are_never_bad() -> None:
    found = find((0, 0, 300), (20, 0, 700), (50, 1, 100))
    assert found.decision == "promote"
    assert found.effect == -1.0


def test_where_stable_expects_nothing_the_canary_is_within_after_a_while() -> None:
    assert find((0, 0, 50)).decision == "hold"
    assert find((0, 0, 4000)).decision == "promote"


def test_a_business_without_offers_is_not_held() -> None:
    found = find((0, 0, 5), largest=0.0)
    assert found.decision == "promote"
    assert "no offers" in found.reason


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (find_net_value(CHECK, LEVEL, None, "the policy is not kept"), "net value: the policy is not kept"),
        (find((0, 0, 9800), unread=200, why="damaged"), "of 200 of 10,000 subscribers cannot be read: damaged"),
        (find(), "nobody was answered by both versions yet"),
    ],
    ids=["no values", "some unread", "nobody"],
)
def test_what_cannot_be_read_is_held_and_it_says_why(found: Finding, says: str) -> None:
    assert found.decision == "hold"
    assert says in found.reason
    assert found.effect is None


def test_as_little_as_tolerated_is_hardly_ever_said_to_be_one_or_the_other() -> None:
    random = np.random.default_rng(1)
    canary, stable = np.array([0.0, 0.0, 0.4, 0.36]), np.array([0.0, 0.4, 0.0, 0.4])
    share = np.array([0.7, 0.0, 0.0, 0.3])  # each offer brings a tenth less
    noisy = np.array([0.6, 0.1, 0.06, 0.24])
    noisy[1] = (0.36 * noisy[3] + 0.4 * noisy[2]) / (0.9 * 0.4) - noisy[3]  # a tenth less on average
    for shares in (share, noisy / noisy.sum()):
        assert shares @ canary == pytest.approx(0.9 * shares @ stable)
        counts, wrong = np.zeros((200, 4)), np.zeros((2, 200), dtype=bool)
        for look in range(40):
            counts += random.multinomial(50 * (look + 1), shares, 200)
            wrong[0] |= is_outside(canary, stable, counts, LEVEL.outside, 0.1)
            wrong[1] |= is_within(canary, stable, counts, LEVEL.within, 0.1)
        assert wrong.mean(axis=1)[0] <= 0.01 + 0.015
        assert wrong.mean(axis=1)[1] <= 0.05


def test_guardrails_have_a_chance_of_their_own_and_take_nothing_from_others() -> None:
    others = (Check("errors", ERRORS, 0.001, "up"),)
    levels = dict(allot_levels((*others, *GUARDRAILS), 0.02))
    assert levels[others[0]] == dict(allot_levels(others, 0.02))[others[0]]
    assert sum(levels[check].outside for check in GUARDRAILS) == pytest.approx(FALSE_ROLLBACK_BY_GUARDRAILS)


def test_a_check_of_net_value_looks_down_only() -> None:
    for direction in ("up", "both"):
        with pytest.raises(SettingsError, match="net_value has no direction"):
            replace(CHECK, direction=direction)
    with pytest.raises(SettingsError, match="errors has no direction down"):
        Check("errors", ERRORS, 0.001, "down")


def test_the_largest_step_is_within_the_bounds_of_the_bets() -> None:
    assert find((STEPS, 0, 10), (0, STEPS, 10)).effect == pytest.approx(0.0)
    assert find((0, STEPS, 1000)).decision == "roll back"
