"""What became of banners: when the canary's surely fare worse, and what is said where nobody reports."""

from dataclasses import replace

import numpy as np
import pytest

from churn.errors import SettingsError
from churn.judging.banner_outcomes import (
    NO_EVENTS,
    BannerOutcomes,
    Side,
    StepOutcomes,
    find_banner_outcomes,
    is_sure,
)
from churn.judging.checks import GUARDRAILS, Check
from churn.judging.findings import Finding, Levels
from churn.judging.judge import allot_levels
from churn.judging.sequences import Proportions

LEVELS: dict[str, tuple[Check, Levels]] = {check.name: (check, level) for check, level in allot_levels(GUARDRAILS)}


def shown(number: int, **done: int) -> BannerOutcomes:
    return BannerOutcomes(number, **{"reported": number, **done})


def find(name: str, *steps: tuple[BannerOutcomes, BannerOutcomes], why: str = "") -> Finding:
    return find_banner_outcomes(*LEVELS[name], tuple(StepOutcomes(*step) for step in steps), why)


def test_half_the_acceptance_sends_the_canary_back_and_the_same_is_within() -> None:
    worse = find("accepted", (shown(9000, accepted=1800), shown(3000, accepted=300)))
    assert worse.decision == "roll back"
    assert worse.effect == pytest.approx(0.1)
    assert "accepted: 10.00 % of 3,000 subscribers with a banner by the canary, 20.00 % of 9,000" in worse.reason
    same = find("accepted", (shown(9000, accepted=1800), shown(3000, accepted=600)))
    assert same.decision == "promote"
    assert same.tolerance == pytest.approx(0.05)  # a quarter of stable's share


def test_more_acceptance_is_never_bad() -> None:
    assert find("accepted", (shown(9000, accepted=900), shown(3000, accepted=1500))).decision == "promote"


@pytest.mark.parametrize(("name", "few", "many"), [("dismissed", 900, 2000), ("objected", 0, 60)])
def test_more_dismissals_or_objections_send_the_canary_back(name: str, few: int, many: int) -> None:
    stable = shown(9000, **{name: 3 * few})
    assert find(name, (stable, shown(3000, **{name: many}))).decision == "roll back"
    assert find(name, (stable, shown(3000, **{name: few}))).decision == "promote"


def test_few_banners_hold_and_it_is_said_how_many_more_it_takes() -> None:
    found = find("accepted", (shown(90, accepted=18), shown(30, accepted=6)))
    assert found.decision == "hold"
    assert "more banners in all" in found.reason


def test_a_change_of_the_times_is_not_the_canarys_fault() -> None:
    # In the first step 40 % accepted, in the second 8 %, whichever version. Most of the canary's are of the second.
    first = shown(9000, accepted=3600), shown(1000, accepted=400)
    second = shown(5000, accepted=400), shown(5000, accepted=400)
    assert find("accepted", first, second).decision == "hold"
    together = shown(14000, accepted=4000), shown(6000, accepted=800)
    assert find("accepted", together).decision == "roll back"


@pytest.mark.parametrize("name", sorted(LEVELS.keys() - {"net value"}))
@pytest.mark.parametrize(
    ("stable", "canary"), [((1, 1), (1, 0)), ((1, 0), (1, 1)), ((9, 9), (9, 9)), ((10**6, 0), (1, 1)), ((9, 0), (9, 0))]
)
def test_no_bound_is_beyond_all_or_wrong_where_hardly_anybody_was_shown_a_banner(
    name: str, stable: tuple[int, int], canary: tuple[int, int]
) -> None:
    found = find(name, (shown(stable[0], **{name: stable[1]}), shown(canary[0], **{name: canary[1]})))
    assert found.low is not None
    assert found.high is not None
    assert found.effect is not None
    assert -1 <= found.low <= found.effect <= found.high <= 1


def test_a_guardrail_that_tolerates_nothing_is_refused() -> None:
    for check, _ in LEVELS.values():
        with pytest.raises(SettingsError, match="nobody is ever sure"):
            replace(check, tolerance=0.0, relative_tolerance=0.0)


def test_without_events_nobody_knows_and_nothing_is_held() -> None:
    found = find_banner_outcomes(*LEVELS["accepted"], None, "")
    assert (found.decision, found.reason) == ("promote", f"accepted: {NO_EVENTS}")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (find("accepted", (shown(90, accepted=9), BannerOutcomes(40))), "of the 40 subscribers with a banner by the c"),
        (find("accepted", (BannerOutcomes(90), shown(40, accepted=9))), "of the 90 subscribers with a banner by stabl"),
        (find("accepted", (BannerOutcomes(90), BannerOutcomes(40))), "no reported event is of a banner"),
        (find("accepted", (shown(90), BannerOutcomes())), "nobody was shown a banner by the canary"),
        (find("accepted"), "nobody was shown a banner by the canary"),
        (find("accepted", why="damaged"), "accepted: damaged"),
    ],
)
def test_what_is_reported_of_one_version_only_is_never_fine(found: Finding, says: str) -> None:
    assert found.decision == "hold"
    assert says in found.reason


@pytest.mark.parametrize(
    ("name", "stable", "canary"),
    [("accepted", 0.2, 0.15), ("accepted", 0.06, 0.04), ("dismissed", 0.4, 0.5), ("objected", 0.001, 0.006)],
)
def test_as_bad_as_tolerated_is_hardly_ever_said_to_be_one_or_the_other(
    name: str, stable: float, canary: float
) -> None:
    check, level = LEVELS[name]
    random, runs = np.random.default_rng(1), 300
    counts, ever = np.zeros((4, runs, 2)), {"outside": np.zeros(runs, bool), "within": np.zeros(runs, bool)}
    sides: tuple[tuple[Side, float], ...] = (("outside", level.outside), ("within", level.within))
    for look in range(40):
        step = look // 20
        more = 25 * (look + 1)
        for row, share in ((0, stable), (2, canary)):
            counts[row + 1, :, step] += more
            counts[row, :, step] += random.binomial(more, share * (1.0 if step else 0.999), runs)
        for side, alpha in sides:
            ever[side] |= is_sure(check, Proportions(*counts), alpha, side)
    assert ever["outside"].mean() <= level.outside + 0.01
    assert ever["within"].mean() <= level.within
