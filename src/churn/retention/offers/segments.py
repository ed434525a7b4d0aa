"""Segments: some of the subscribers, declared in the policy, in which each offer's effect is measured by itself."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from churn.contract.declaration import Contract
from churn.retention.offers.complaints import PolicyProblem
from churn.retention.offers.conditions import Limits, find_condition_problems, is_met
from churn.retention.offers.document import OTHERS, Measured, OfferDocument, SegmentDocument


class Segment(NamedTuple):
    """A segment, ready for use."""

    name: str
    when: tuple[Limits, ...]


def find_segment(segments: Sequence[Segment], subscriber: Contract) -> int:
    """Return the number of the first segment that a subscriber belongs to; that after the last one for all others."""
    for at, segment in enumerate(segments):
        if is_met(segment.when, subscriber):
            return at
    return len(segments)


def list_strengths(measured: Measured | None, segments: Collection[str]) -> tuple[float, ...]:
    """Return an offer's effect as a multiple of what `saves` says, by segment, and last for all others.

    It is 1 where nothing was measured. Where it was not measured in a segment, or among the others, it is the offer's.
    """
    if measured is None:
        return (1.0,) * (len(segments) + 1)
    overall = 1.0 if measured.strength is None else measured.strength.value
    by_name = {segment.name: segment.strength.value for segment in measured.segments}
    return tuple(by_name.get(name, overall) for name in (*segments, OTHERS))


def find_segment_problems(segments: Sequence[SegmentDocument], contract: type[Contract]) -> Iterator[PolicyProblem]:
    """Find what is wrong with a policy's segments."""
    for name, count in Counter(segment.name for segment in segments).items():
        if count > 1:
            yield PolicyProblem(f'segment "{name}"', f"stands there {count} times", "give each a name of its own")
    for segment in segments:
        place = f'segment "{segment.name}"'
        if segment.name == OTHERS:
            yield PolicyProblem(place, "is the name of all who are in no segment", "give it another name")
        yield from find_condition_problems(
            f"{place}: when", segment.when, contract, "no segment may depend on it, since offers depend on segments"
        )


def find_measured_problems(
    offer: OfferDocument, measured: Measured, segments: Collection[str]
) -> Iterator[PolicyProblem]:
    """Find what is wrong with what was measured of an offer, in a policy with segments of these names."""
    for name, count in Counter(segment.name for segment in measured.segments).items():
        place = f'measured: segment "{name}"'
        if name not in {*segments, OTHERS} or not segments:
            instead = f"use {', '.join(segments)}" if segments else "declare it in the policy as [[segment]]"
            yield PolicyProblem(place, "is no segment of the policy", instead)
        elif count > 1:
            yield PolicyProblem(place, f"stands there {count} times", "leave all but one out")
    strengths = [*([measured.strength] if measured.strength else []), *(part.strength for part in measured.segments)]
    largest = max((abs(strength.value) for strength in strengths), default=0.0)
    for group, rate in offer.saves.items():
        if rate * largest > 1:
            what = f"is {largest:g} in size: with saves of {rate:g} for {group} it changes more leaving than there is"
            yield PolicyProblem("measured: strength", what, f"give at most {1 / rate:g}, and at least {-1 / rate:g}")
