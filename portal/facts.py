"""A subscriber's facts in the contract's words, for a business that has no page of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its label and its value, both in words."""

    label: str
    value: str


def describe_facts(contract: type[Contract], facts: Mapping[str, Any]) -> list[Fact]:
    """Describe what subscribers may be shown of themselves: the fields that have words for them.

    Of a draft, in which no field has such words yet, all are described but personal traits.
    """
    shown = [spec for spec in contract.features if spec.is_showable]
    shown = shown or [spec for spec in contract.features if not spec.marker.protected]
    return [Fact(spec.label, _describe(spec, facts.get(spec.name))) for spec in shown]


def is_draft(contract: type[Contract]) -> bool:
    """Tell whether no field has words for subscribers yet."""
    return not any(spec.is_showable for spec in contract.features)


def _describe(spec: FeatureSpec, value: Any) -> str:
    if value is None:
        return "Not known"
    words = spec.name_value(value)
    return words[:1].upper() + words[1:]
