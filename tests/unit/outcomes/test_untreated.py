"""The AUC had nobody been treated: those held out stand for all, whatever the banner does."""

import numpy as np
import pytest

from churn.outcomes.join import Draw, JoinedOutcomes, LabelledPrediction
from churn.outcomes.quality import ModelQuality, measure_auc, measure_quality
from churn.outcomes.untreated import find_chance, weigh_untreated

THRESHOLD, SHARE = 0.6, 0.2
# Of beta(2, 2) scores that are the true probabilities: a pair of one who left and one who stayed is in order.
TRUE_AUC = 0.757142857


def play(
    generator: np.random.Generator, *, effect: float, people: int = 1000, logged: tuple[str | None, float | None]
) -> ModelQuality:
    """Everybody comes once; the banner changes the probability of those above the threshold who are not held out."""
    joined = JoinedOutcomes()
    scores = generator.beta(2, 2, people)
    held, gone = generator.random(people) < SHARE, generator.random(people)
    for number, score in enumerate(scores.tolist()):
        arm = None if score <= THRESHOLD else "holdout" if held[number] else "treatment"
        left = bool(gone[number] < score + (effect if arm == "treatment" else 0))
        joined.add(
            LabelledPrediction(number, f"{number}", f"key {number}", "v1", score, arm, None, "p1", *logged, left=left)
        )
    [predictions] = joined.group_by_version().values()
    return measure_quality("v1", predictions, None, weigh_untreated(joined, predictions))


@pytest.mark.parametrize("logged", [("one", SHARE), (None, None)])
@pytest.mark.parametrize("effect", [-0.2, 0.0])
def test_the_interval_holds_the_auc_without_a_banner_as_often_as_it_says(
    effect: float, logged: tuple[str | None, float | None]
) -> None:
    generator, runs = np.random.default_rng(5), 120
    qualities = [play(generator, effect=effect, logged=logged) for _ in range(runs)]
    covered = {
        name: sum(auc.low <= TRUE_AUC <= auc.high for quality in qualities if (auc := getattr(quality, name))) / runs
        for name in ("auc", "auc_untreated")
    }
    assert covered["auc_untreated"] > 0.91  # 95 %, and what chance takes from that
    assert (covered["auc"] > 0.9) == (effect == 0)


def test_without_a_banner_both_are_the_same() -> None:
    generator = np.random.default_rng(5)
    scores, left = generator.random(50), generator.random(50) < 0.5
    assert measure_auc(scores, left) == measure_auc(scores, left, np.full(50, 1.0))
    joined = JoinedOutcomes()
    for number, (score, gone) in enumerate(zip(scores.tolist(), left.tolist(), strict=True)):
        joined.add(LabelledPrediction(number, f"{number}", f"key {number}", "v1", score, None, None, left=gone))
    [predictions] = joined.group_by_version().values()
    quality = measure_quality("v1", predictions, None, weigh_untreated(joined, predictions))
    assert quality.auc == quality.auc_untreated


def test_one_lot_falls_once_in_an_experiment_and_anew_in_each_other() -> None:
    a, b, c = Draw("one", 0.1, "1"), Draw("one", 0.05, "2"), Draw("two", 0.5, "3")
    shares = {draw: draw.holdout_share or 0.0 for draw in (a, b, c)}
    assert find_chance([], shares) == 1
    assert find_chance([a, b], shares) == 0.05
    assert find_chance([a, c], shares) == 0.05
    assert find_chance([a, b, c], shares) == 0.025


def test_where_too_few_are_held_out_nothing_is_claimed() -> None:
    joined = JoinedOutcomes()
    for number in range(100):
        arm = "holdout" if number < 29 else "treatment"
        joined.add(
            LabelledPrediction(number, f"{number}", f"key {number}", "v1", 0.9, arm, None, "1", "one", 0.1, left=True)
        )
    [predictions] = joined.group_by_version().values()
    assert weigh_untreated(joined, predictions) is None


def test_where_few_of_those_held_out_stand_for_most_nothing_is_claimed() -> None:
    """Of 40 held out of one experiment, 2 were held out of another one too: each of these stands for 100."""
    joined = JoinedOutcomes()
    for number in range(40):
        for name in ("one", "two") if number < 2 else ("one",):
            drawn = ("1", name, 0.1)
            joined.add(
                LabelledPrediction(number, name, f"key {number}", "v1", 0.9, "holdout", None, *drawn, left=number > 9)
            )
    [predictions] = joined.group_by_version().values()
    assert weigh_untreated(joined, predictions) is None


@pytest.mark.parametrize("share", [0.05, None])
def test_who_came_again_under_another_share_that_is_too_young_to_count_is_weighed_all_the_same(
    share: float | None,
) -> None:
    """Where no record says that share, nobody whom it reached may stand for others."""
    joined = JoinedOutcomes()
    for number in range(800):
        drawn = ("1", "one", 0.1)
        arm = "holdout" if number % 10 == 0 else "treatment"
        first = LabelledPrediction(0, f"{number}", f"key {number}", "v1", 0.9, arm, None, *drawn, left=number % 20 > 0)
        joined.add(first)
        if number < 20:
            joined.note_banner(first._replace(time=1, policy_version="2", holdout_share=share))
    [predictions] = joined.group_by_version().values()
    stands_for = weigh_untreated(joined, predictions)
    assert stands_for is not None
    assert stands_for.get("key 0") == (pytest.approx(20) if share else None)
    assert stands_for["key 20"] == pytest.approx(10 if share else 10 * 800 / 780)
