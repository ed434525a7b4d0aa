"""How often the intervals of learned rates hold the truth at every look, in the small experiment.

Run it by hand: `python -m benchmarks.learning.coverage 2000`. It takes some minutes. `docs/offers.md` has its figures.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from benchmarks.learning.small_experiment import TRUTH, draw_experiment
from churn.learning.measures import Measure, Rates
from churn.learning.rates import estimate_rates
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Exposures

LOOKS: Final = (500, 2_000, 8_000)  # subscribers
OFFERS: Final = slice(2, None)


class Coverage(NamedTuple):
    """Of the intervals of one number, over runs and offers.

    Args:
        held: the share of runs whose interval held the truth at every look at which there was one.
        width: the mean width at the last look.
        runs: how many there are, over all offers.
    """

    held: float
    width: float
    runs: int


def measure_coverage(seeds: Iterable[int], looks: Sequence[int] = LOOKS) -> dict[str, Coverage]:
    """Draw an experiment for each seed, look at it several times, and count, by the number's name."""
    truths = {
        "take_up": TRUTH.take_up,
        "leavers_use": np.full(TRUTH.take_up.shape, TRUTH.leavers_use),
        "strength": TRUTH.strength.mean(axis=0),
        "by_segment": TRUTH.strength,
    }
    held: dict[str, list[np.ndarray]] = {name: [] for name in truths}
    widths: dict[str, list[np.ndarray]] = {name: [] for name in truths}
    for seed in seeds:
        experiment = draw_experiment(seed, max(looks))
        looked = [_look(experiment.exposures, experiment.stakes, count) for count in looks]
        for name, truth in truths.items():
            measures = [getattr(rates, name) for rates in looked]
            held[name].append(np.all([_holds(measure, truth) for measure in measures], axis=0)[..., OFFERS].ravel())
            widths[name].append((measures[-1].high - measures[-1].low)[..., OFFERS].ravel())
    return {
        name: Coverage(float(np.mean(held[name])), float(np.nanmean(widths[name])), len(held[name])) for name in truths
    }


def _look(exposures: Exposures, stakes: Stakes, count: int) -> Rates:
    rows = np.arange(count)
    return estimate_rates(exposures.choose(rows), stakes.choose(rows))


def _holds(measure: Measure, truth: np.ndarray) -> np.ndarray:
    """Tell where the interval holds the truth; where there is none it claims nothing."""
    return np.asarray((measure.count == 0) | ((measure.low <= truth) & (truth <= measure.high)))


def main() -> None:
    """Print a line for each number."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    for name, coverage in measure_coverage(range(runs)).items():
        said = f"held at every look {coverage.held:.4f}, mean width {coverage.width:.3f}, {coverage.runs:,} runs"
        sys.stdout.write(f"{name}: {said}\n")


if __name__ == "__main__":
    main()
