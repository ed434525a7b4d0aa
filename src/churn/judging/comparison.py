"""The shares that a check compares, taken from the counts of both tracks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from churn.judging.checks import Flags, Measure
from churn.judging.counts import Counts, StepAnswers
from churn.judging.sequences import Numbers, Proportions
from churn.judging.step_sequences import add_steps


class Comparison(NamedTuple):
    """The shares that a check compares, with one step after the other along the first axis.

    Counts of many simulated runs have further axes before the last one.

    Fifty answers to one subscriber within a minute are not fifty pieces of evidence. So there are two ways to count:
    `proportions` are of all requests, and `once` of the first answer in each minute of a subscriber.

    Args:
        parts: the name of each share; as many as the last axis of `proportions` is long.
        selected: which parts matter. It has no axis of the steps.
        divide_outside: the chance of a false rollback is divided by this, since one part outside suffices.
        divide_within: the chance of a false promotion is divided by this. It is 1 where all parts must be within.
        once: None where nobody had two answers within a minute.
    """

    parts: tuple[str, ...]
    proportions: Proportions
    selected: Flags
    divide_outside: int
    divide_within: int
    once: Proportions | None = None

    def view_once(self) -> "Comparison":
        """Return the same shares, of the first answer in each minute of a subscriber."""
        return self if self.once is None else self._replace(proportions=self.once)

    def is_counted(self) -> bool:
        """Whether both tracks have answers of this kind."""
        return all(self.count_answers())

    def count_answers(self) -> tuple[int, int]:
        """Return how many answers of stable and of the canary there are, in all steps."""
        totals = add_steps(self.proportions)
        return int(totals.stable_total[0]), int(totals.canary_total[0])


def compare(measure: Measure, steps: Sequence[StepAnswers]) -> Comparison:
    """Take the shares of a measure from the counts of both tracks in each step, and from what came earlier."""
    parts = tuple(measure.count(steps[0].stable)[0])
    proportions = _stack_shares(measure, parts, steps)
    shape = proportions.canary_hits.shape[1:]
    selected = measure.select(proportions) if measure.select else np.ones(shape, dtype=bool)
    once = None
    if any(step.has_repeats for step in steps):
        once = _stack_shares(measure, parts, [step.drop_repeats() for step in steps])
    divide = max(measure.least_parts, len(parts))
    return Comparison(parts, proportions, selected, divide, divide if measure.select else 1, once)


def _stack_shares(measure: Measure, parts: Sequence[str], steps: Sequence[StepAnswers]) -> Proportions:
    def stack(hits: Mapping[str, int], total: int) -> tuple[Numbers, Numbers]:
        # Counters are not read in one instant, so a part may be a request ahead of its total.
        stacked = np.stack([np.minimum(hits.get(part, 0), total) for part in parts], axis=-1).astype(float)
        return stacked, np.broadcast_to(np.asarray(total, dtype=float)[..., None], stacked.shape)

    def stack_steps(track: Sequence[Counts]) -> tuple[Numbers, Numbers]:
        hits, totals = zip(*(stack(*measure.count(counts)) for counts in track), strict=True)
        return np.stack(np.broadcast_arrays(*hits)), np.stack(np.broadcast_arrays(*totals))

    tracks = [[getattr(step, track) for step in steps] for track in ("stable", "canary", "earlier")]
    return Proportions(*(numbers for track in tracks for numbers in stack_steps(track)))
