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

    One subscriber who fails each time is little evidence. So hits within a minute of another one of the same
    subscriber are no hits, and the totals shrink as much: in `proportions` by what each track has of them, so that
    shares stay what they are; in `together` by what both tracks have of them.

    Args:
        parts: the name of each share; as many as the last axis of `proportions` is long.
        selected: which parts matter. It has no axis of the steps.
        divide_outside: the chance of a false rollback is divided by this, since one part outside suffices.
        divide_within: the chance of a false promotion is divided by this. It is 1 where all parts must be within.
    """

    parts: tuple[str, ...]
    proportions: Proportions
    selected: Flags
    divide_outside: int
    divide_within: int
    together: Proportions | None = None

    def view_together(self) -> "Comparison":
        """Return the same shares with totals that shrink by the repeats of both tracks."""
        return self if self.together is None else self._replace(proportions=self.together)

    def is_counted(self) -> bool:
        """Whether both tracks have answers of this kind."""
        totals = add_steps(self.proportions)
        return bool(totals.stable_total[0] and totals.canary_total[0])


def compare(measure: Measure, steps: Sequence[StepAnswers]) -> Comparison:
    """Take the shares of a measure from the counts of both tracks in each step, and from what came earlier."""
    tracks = [[getattr(step, track) for step in steps] for track in ("stable", "canary", "earlier")]
    parts = tuple(measure.count(tracks[0][0])[0])

    def stack(hits: Mapping[str, int], total: int) -> tuple[Numbers, Numbers]:
        # Counters are not read in one instant, so a part may be a request ahead of its total.
        stacked = np.stack([np.minimum(hits.get(part, 0), total) for part in parts], axis=-1).astype(float)
        return stacked, np.broadcast_to(np.asarray(total, dtype=float)[..., None], stacked.shape)

    def stack_steps(steps: Sequence[Counts]) -> tuple[Numbers, Numbers]:
        hits, totals = zip(*(stack(*measure.count(counts)) for counts in steps), strict=True)
        return np.stack(np.broadcast_arrays(*hits)), np.stack(np.broadcast_arrays(*totals))

    proportions = Proportions(*(numbers for steps in tracks for numbers in stack_steps(steps)))
    shape = proportions.canary_hits.shape[1:]
    selected = measure.select(proportions) if measure.select else np.ones(shape, dtype=bool)
    together = None
    if any(np.any(counts.repeated_errors) or np.any(counts.repeated_latency) for counts in tracks[0] + tracks[1]):
        repeats = [stack_steps([counts.take_repeats() for counts in steps])[0] for steps in tracks]
        proportions, together = thin_out(proportions, repeats)
    divide = max(measure.least_parts, len(parts))
    return Comparison(parts, proportions, selected, divide, divide if measure.select else 1, together)


def thin_out(proportions: Proportions, repeats: Sequence[Numbers]) -> tuple[Proportions, Proportions]:
    """Take repeats from the hits of stable, of the canary and of earlier, and shrink the totals as much.

    Return first what shrinks for each by its own repeats, then what shrinks by the repeats of both tracks.
    """
    hits, totals = proportions[::2], proportions[1::2]
    own = [take_repeats(*track) for track in zip(hits, totals, repeats, strict=True)]
    once = [left for left, _ in own]
    shrink = np.maximum(hits[0] + hits[1], 1) / np.maximum(once[0] + once[1], 1)
    together = [(left, np.maximum(total / shrink, left)) for left, total in zip(once, totals, strict=True)]
    by_own, by_both = (Proportions(*(numbers for pair in pairs for numbers in pair)) for pairs in (own, together))
    return by_own, by_both


def take_repeats(hits: Numbers, total: Numbers, repeats: Numbers) -> tuple[Numbers, Numbers]:
    """Take repeats from the hits, and shrink the total as much, so that their share stays what it is."""
    once = np.maximum(hits - repeats, 0)
    return once, np.maximum(total * np.maximum(once, 1) / np.maximum(hits, 1), once)
