"""Conditions on a subscriber's fields: whether they make sense for a contract, and whether a subscriber meets them."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.retention.offers.complaints import PolicyProblem
from churn.retention.offers.document import Condition
from churn.retention.offers.price import NUMERIC

UNBOUNDED = float("inf")


class Limits(NamedTuple):
    """A condition, ready for use: one of `values`, or from `low` to `high` if there are no values."""

    field: str
    values: frozenset[object] | None
    low: float
    high: float


def read_conditions(conditions: Mapping[str, Condition]) -> tuple[Limits, ...]:
    """Make a policy's conditions, by field, ready for use."""
    return tuple(
        Limits(
            name,
            None if condition.one_of is None else frozenset(condition.one_of),
            -UNBOUNDED if condition.at_least is None else condition.at_least,
            UNBOUNDED if condition.at_most is None else condition.at_most,
        )
        for name, condition in conditions.items()
    )


def is_met(conditions: tuple[Limits, ...], subscriber: Contract) -> bool:
    """Return whether a subscriber meets all conditions. By a value that is not known, none is met."""
    for field, values, low, high in conditions:
        value = getattr(subscriber, field)
        if value is None:
            return False
        if not low <= value <= high if values is None else value not in values:
            return False
    return True


def find_condition_problems(
    key: str, conditions: Mapping[str, Condition], contract: type[Contract], why_not_protected: str
) -> Iterator[PolicyProblem]:
    """Find what is wrong with the conditions that stand under a key of the policy."""
    fields = {spec.name: spec for spec in contract.features}
    open_to_all = ", ".join(spec.name for spec in contract.features if not spec.marker.protected)
    for name, condition in conditions.items():
        place, spec = f"{key}: {name}", fields.get(name)
        if spec is None:
            yield PolicyProblem(place, f"is no field of the contract {contract.contract_name}", f"use {open_to_all}")
        elif spec.marker.protected:
            yield PolicyProblem(place, f"is protected: {why_not_protected}", "take the condition out")
        else:
            yield from (
                PolicyProblem(f"{place}{what}", why, instead) for what, why, instead in _condition(spec, condition)
            )


def _condition(spec: FeatureSpec, condition: Condition) -> Iterator[tuple[str, str, str]]:
    """Yield where below the condition something is wrong, what it is, and what to do."""
    if spec.kind in NUMERIC:
        if condition.one_of is not None:
            yield ": is", f"{spec.name} is a number", "use at_least, at_most or both"
        yield from _limits(spec, condition)
        return
    expected: Callable[[object], bool] = (
        (lambda value: value in spec.categories) if spec.kind == "category" else lambda value: isinstance(value, bool)
    )
    listed = ", ".join(spec.categories) if spec.kind == "category" else "true, false"
    if condition.at_least is not None or condition.at_most is not None:
        yield "", f"{spec.name} is no number", f"use is = [...] with some of {listed}"
    elif condition.one_of is None:
        yield "", "says nothing", f"use is = [...] with some of {listed}"
    else:
        for value in condition.one_of:
            if not expected(value):
                yield ": is", f"{value!r} is no value of {spec.name}", f"use some of {listed}"


def _limits(spec: FeatureSpec, condition: Condition) -> Iterator[tuple[str, str, str]]:
    low, high = condition.at_least, condition.at_most
    if low is None and high is None and condition.one_of is None:
        yield "", "says nothing", "use at_least, at_most or both"
    if low is not None and high is not None and low > high:
        yield "", f"at_least is {low:g} and at_most {high:g}, so nobody is eligible", "exchange them"
    if low is not None and spec.upper is not None and low > spec.upper:
        yield ": at_least", f"is {low:g}, but {spec.name} is at most {spec.upper:g}", "lower it"
    if high is not None and spec.lower is not None and high < spec.lower:
        yield ": at_most", f"is {high:g}, but {spec.name} is at least {spec.lower:g}", "raise it"
