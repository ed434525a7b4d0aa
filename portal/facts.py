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
    """Describe what subscribers may be shown of themselves: the fields that have words for them."""
    return [Fact(spec.label, _describe(spec, facts.get(spec.name))) for spec in contract.features if spec.is_showable]


def _describe(spec: FeatureSpec, value: Any) -> str:
    if value is None:
        return "Not known"
    words = spec.name_value(value)
    return words[:1].upper() + words[1:]
