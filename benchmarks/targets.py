"""What we want to reach, as data, and whether a run reached it. Pure: results in, verdicts out.

A ratio is taken within a round, where both sides had the same noise. The median over the rounds counts. A round in
which either side had an error gives no ratio.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

type Results = Mapping[str, Any]
type Row = Mapping[str, Any]

BUSY = 32  # connections


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to reach.

    Args:
        says: what is compared, in words.
        relation: of the ratio to the bound.
        bound: the ratio must be at least, or at most, so large.
        ratio: results -> the ratio, None if it was not measured.
        floor: the same with the floor in our place, where that tells something. What the floor misses cannot be met
            with FastAPI and uvicorn as they are.
    """

    says: str
    relation: Literal["≥", "≤"]
    bound: float
    ratio: Callable[[Results], float | None]
    floor: Callable[[Results], float | None] = lambda _: None

    def is_reached(self, ratio: float) -> bool:
        """Return whether a ratio is as good as the bound."""
        return ratio >= self.bound if self.relation == "≥" else ratio <= self.bound


@dataclass(frozen=True, slots=True)
class TargetResult:
    """A target, and what a run measured of it."""

    target: Target
    ratio: float | None
    floor: float | None
    verdict: Literal["meets", "misses", "misses, and so does the floor", "not measured"]


def evaluate_targets(results: Results) -> list[TargetResult]:
    """Evaluate each target, in their order."""
    return [_evaluate_target(target, target.ratio(results), target.floor(results)) for target in TARGETS]


def _evaluate_target(target: Target, ratio: float | None, floor: float | None) -> TargetResult:
    if ratio is None:
        return TargetResult(target, None, floor, "not measured")
    if target.is_reached(ratio):
        return TargetResult(target, ratio, floor, "meets")
    missed_by_all = floor is not None and not target.is_reached(floor)
    return TargetResult(target, ratio, floor, "misses, and so does the floor" if missed_by_all else "misses")


def compute_paired_ratio(rows: Iterable[Row], field: str, name: str, over: str, who: str, **where: Any) -> float | None:
    """Return the median over the rounds of a ratio: one side's figure divided by the other's.

    Args:
        rows: measurements, each with a `round`.
        field: the figure.
        name: the side whose figure is divided.
        over: the side by whose figure it is divided.
        who: the key that names the side of a row.
        where: the other keys that a row must have, such as `model`.
    """
    measured = list(rows)

    def by_round(wanted: str) -> dict[int, float]:
        chosen = {**where, who: wanted}
        return {
            row["round"]: row[field]
            for row in measured
            if all(row[key] == value for key, value in chosen.items()) and not row.get("errors")
        }

    ours, theirs = by_round(name), by_round(over)
    ratios = [ours[number] / theirs[number] for number in sorted(ours.keys() & theirs.keys()) if theirs[number]]
    return statistics.median(ratios) if ratios else None


def _compare_load(field: str, name: str, over: str, model: str) -> Callable[[Results], float | None]:
    where = {"model": model, "connections": BUSY}
    return lambda results: compute_paired_ratio(results["load"], field, name, over, "system", **where)


def _compare_kernel(field: str, name: str, over: str, model: str) -> Callable[[Results], float | None]:
    return lambda results: compute_paired_ratio(results["kernel"], field, name, over, "contender", model=model)


def _compare_starts(model: str) -> Callable[[Results], float | None]:
    return lambda results: compute_paired_ratio(results["starts"], "seconds", "ours", "first", "system", model=model)


def _compare_memory(model: str) -> Callable[[Results], float | None]:
    def ratio(results: Results) -> float | None:
        rows = [row | {"round": 0} for row in results["memory"]]  # weighed once, after all rounds
        return compute_paired_ratio(rows, "pss", "ours", "first", "system", model=model)

    return ratio


def _build_targets() -> list[Target]:
    targets = []
    for model, bound in (("300x6", 15), ("champion", 25)):
        says = f"the first version, {model}, {BUSY} connections"
        targets += [
            Target(
                f"throughput over {says}",
                "≥",
                bound,
                _compare_load("requests_per_s", "ours", "first", model),
                _compare_load("requests_per_s", "floor", "first", model),
            ),
            Target(
                f"p99 lower than {says}",
                "≥",
                bound,
                _compare_load("p99_ms", "first", "ours", model),
                _compare_load("p99_ms", "first", "floor", model),
            ),
        ]
    for model, share in (("champion", 0.80), ("300x6", 0.55)):
        says = f"throughput as a share of the floor, {model}, {BUSY} connections"
        targets.append(Target(says, "≥", share, _compare_load("requests_per_s", "ours", "floor", model)))
    for model, bound in (("300x4", 15), ("300x6", 8)):
        says = f"one row explained, faster than pred_contribs, {model}"
        targets.append(Target(says, "≥", bound, _compare_kernel("one_row_us", "pred_contribs", "ours", model)))
    says = "bulk rows per core-second over woodelf-explainer, reasons included, 300x6"
    targets.append(Target(says, "≥", 1.5, _compare_kernel("bulk_reasons_us", "woodelf", "ours", "300x6")))
    for model in ("champion", "300x6"):
        says = f"start to first answer, against the first version, {model}"
        targets.append(Target(says, "≤", 0.5, _compare_starts(model)))
        says = f"memory of a worker (PSS), against the first version, {model}"
        targets.append(Target(says, "≤", 0.5, _compare_memory(model)))
    return targets


TARGETS = _build_targets()
