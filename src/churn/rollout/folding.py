"""What makes two events of a rollout alike, so that they are one event with a count.

However long a trouble lasts and whatever alternates with it, the number of events stays bounded.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

from churn.rollout.state import Event, Rollout

MOST_OF_A_KIND = 20  # events whose reasons differ in more than their numbers; all later ones are alike
SAMPLES = 24  # verdicts with findings of a step's least time. Each time that doubles brings a quarter of it
MOST_UNFOLDED = 500  # events of an earlier program, which stay as they are
NUMBERS = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*")


def name_alike(rollout: Rollout, event: Event) -> str:
    """Return what is the same in all events that are alike. Verdicts with findings are alike within a span of time."""
    place = f"{event.kind}|{event.state}|{event.step}|{event.weight_percent}|{event.decision}"
    verdict = event.evidence.get("verdict")
    if not isinstance(verdict, Mapping):
        return f"{place}|{NUMBERS.sub('#', event.reason)}"
    if verdict.get("findings"):
        return f"{place}|{_number_span(rollout, event.at - rollout.since)}"
    judged = str(verdict.get("reason"))
    return f"{place}|{NUMBERS.sub('#', judged)}|{'' if judged == event.reason else 'and more'}"


def name_others(kind: str) -> str:
    """Return what is the same in all events of a kind that are too many to tell apart."""
    return f"{kind}|others"


def _number_span(rollout: Rollout, held_s: float) -> int:
    span_s = max(rollout.plan.hold_s(max(rollout.step, 0)), SAMPLES * rollout.plan.tick_seconds)
    share = max(held_s, 0.0) / span_s
    return int(SAMPLES * share) if share < 1 else SAMPLES + int(SAMPLES / 4 * log2(share))


def group_unfolded(rows: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Group the events of an earlier program, oldest first, by what is alike. Return the numbers in each group.

    Args:
        rows: with number, kind, state, step, weight_percent, decision, reason, and whether it has findings.
    """
    if len(rows) <= MOST_UNFOLDED:
        return [[row["number"]] for row in rows]
    groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    kinds: Counter[str] = Counter()
    for row in rows:
        place = tuple(row[name] for name in ("kind", "state", "step", "weight_percent", "decision"))
        key = (*place, row["has_findings"], "" if row["kind"] == "judged" else NUMBERS.sub("#", row["reason"]))
        if key not in groups:
            kinds[row["kind"]] += 1
        groups[key if kinds[row["kind"]] <= MOST_OF_A_KIND or key in groups else (row["kind"],)].append(row["number"])
    folded = []
    for key, numbers in groups.items():
        size = -(-len(numbers) // SAMPLES) if key[0] == "judged" and True in key else len(numbers)
        folded += [numbers[at : at + size] for at in range(0, len(numbers), size)]
    return folded
