"""Ask the effect's interval of many people at many looks, where the truth is a formula.

People, arms and departures are made here, without the project's code. The score is spread from 0.6 to 1, the chance of
leaving is the score, and what the banner prevents grows with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.figures import bound_share
from churn.outcomes.effects import Comparison, estimate_effect, list_strata
from churn.outcomes.estimates import ALPHA
from churn.outcomes.strata import bound_effect

type Numbers = NDArray[np.float64]

RUNS: Final = 700  # of each story, more than 2,000 in all
FIELDS: Final = ("holds", "usual holds", "half width", "asymptotic", "exact half width")
LOOKS: Final = (500, 1_000, 1_900, 3_800, 7_600, 15_000)
EXACT_EACH: Final = 20  # the exact interval is asked in each so many runs, for its width
_SCORE_A: Final = 2.5  # of the beta distribution of the score, whose other parameter is 1
_SPAN: Final = 0.4
_USUAL: Final = 1.96  # deviations, of an interval that is right at one look


@dataclass(frozen=True, slots=True)
class Story:
    """What a banner does, and who is held out: a share of the first half of all, and another one of the second half."""

    name: str
    effect: float
    first_share: float = 0.1
    second_share: float = 0.1

    @property
    def truth(self) -> float:
        """Return the mean effect: the slope times the mean of the score above its least value."""
        return self.effect * _SCORE_A / (_SCORE_A + 1) / 0.7


STORIES: Final = (
    Story("no effect", 0.0),
    Story("-8 points", -0.08),
    Story("-8 points, the share falls from .2 to .05", -0.08, 0.2, 0.05),
)


def draw_comparison(story: Story, people: int, random: np.random.Generator) -> Comparison:
    """Draw people, their arms, and who leaves."""
    above = _SPAN * random.beta(_SCORE_A, 1, people)
    score = 0.6 + above
    share = np.where(np.arange(people) < people / 2, story.first_share, story.second_share)
    is_held = random.random(people) < share
    chance = np.where(is_held, score, score + story.effect * above / _SPAN / 0.7)
    left = (random.random(people) < chance).astype(float)
    return Comparison(score, ~is_held, is_held, 1 - share, share, left, left)


def play_story(story: Story, runs: Sequence[int], seed: int) -> Numbers:
    """Ask at every look in these runs: the fields of `FIELDS`, (runs, looks, fields). The same seed gives the same."""
    asked = np.full((len(runs), len(LOOKS), len(FIELDS)), np.nan)
    for at, run in enumerate(runs):
        whole = draw_comparison(story, LOOKS[-1], np.random.default_rng([seed, run]))
        for look, subscribers in enumerate(LOOKS):
            own = whole.choose(_list_first(len(whole), subscribers))
            estimate = estimate_effect(own)
            if estimate is None:  # nobody in one of the arms, so nothing is claimed
                asked[at, look, :2] = 1
                continue
            holds = estimate.low <= story.truth <= estimate.high
            half, is_exact_asked = (estimate.high - estimate.low) / 2, run % EXACT_EACH == 0
            exact = _find_exact_half(own) if is_exact_asked else np.nan
            asked[at, look] = (holds, _is_usual_right(own, story.truth), half, estimate.is_asymptotic, exact)
    return asked


def summarise_story(story: Story, asked: Numbers) -> dict[str, Any]:
    """Sum up what was asked in all runs, (runs, looks, fields)."""
    holds, usual, half, is_asymptotic, exact = np.moveaxis(asked, -1, 0)
    every = int(holds.all(axis=1).sum())
    return {
        "name": story.name,
        "truth": story.truth,
        "runs": len(asked),
        "every_look": [every / len(asked), *bound_share(every, len(asked))],
        "usual_every_look": float(usual.all(axis=1).mean()),
        "looks": [
            {
                "subscribers": subscribers,
                "holds": float(holds[:, look].mean()),
                "half_width": float(np.nanmean(half[:, look])),
                "exact_half_width": float(np.nanmean(exact[:, look])),
                "asymptotic": float(np.nanmean(is_asymptotic[:, look])),
            }
            for look, subscribers in enumerate(LOOKS)
        ],
    }


def _find_exact_half(own: Comparison) -> float:
    low, high = bound_effect(list_strata(own), ALPHA)
    return (high - low) / 2


def _list_first(people: int, look: int) -> NDArray[np.bool_]:
    """Return the first people of both halves, as many of each, so that every look sees both shares."""
    half = people // 2
    return (np.arange(people) % half) < look // 2


def _is_usual_right(own: Comparison, truth: float) -> bool:
    """Return whether an interval that is right at one look holds the truth."""
    shares = [own.low[side].mean() for side in (own.is_first, own.is_second)]
    sizes = [side.sum() for side in (own.is_first, own.is_second)]
    error = np.sqrt(sum(share * (1 - share) / size for share, size in zip(shares, sizes, strict=True)))
    return bool(abs(shares[0] - shares[1] - truth) <= _USUAL * error)
