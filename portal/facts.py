"""A subscriber's facts in the contract's words, for a business that has no page of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel import dates

from churn.contract.catalogues import find_contract_language, list_languages, list_missing
from churn.contract.dates import day_from_text
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.language import ENGLISH, Language


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its label and its value, both in words."""

    label: str
    value: str


def describe_facts(
    contract: type[Contract], facts: Mapping[str, Any], language: str = ENGLISH.code, *, not_known: str = "Not known"
) -> list[Fact]:
    """Describe what subscribers may be shown of themselves, in a language: the fields that have words for them.

    Of a draft, in which no field has such words yet, all are described but personal traits.
    """
    shown = [spec for spec in contract.features if spec.is_showable]
    shown = shown or [spec for spec in contract.features if not spec.marker.protected]
    words = find_contract_language(contract, language)
    described = {}
    for spec in shown:
        day = contract.find_date(spec)
        names = day.find_names(facts) if day else []
        if day and names:  # once, whatever is derived from it
            value = _describe_date(facts[names[0]], language)
            described[day.name] = Fact(words.translate(day.label), value or not_known)
        else:
            value = None if facts.get(spec.name) is None else _describe(spec, facts[spec.name], words)
            described[spec.name] = Fact(words.translate(spec.label), value or not_known)
    return list(described.values())


def is_draft(contract: type[Contract]) -> bool:
    """Tell whether no field has words for subscribers yet."""
    return not any(spec.is_showable for spec in contract.features)


def list_page_languages(contract: type[Contract], spoken: Sequence[str]) -> list[str]:
    """List those of the page's languages in which a contract can say all facts.

    Raises:
        ContractError: a catalogue cannot be used.
    """
    return [code for code in spoken if code == ENGLISH.code or _is_translated(contract, code)]


def _is_translated(contract: type[Contract], code: str) -> bool:
    return code in list_languages(contract) and not is_draft(contract) and not list_missing(contract, code)


def _describe_date(text: str | None, language: str) -> str | None:
    day = day_from_text(text or "")
    return dates.format_date(day, "long", language) if day else None


def _describe(spec: FeatureSpec, value: Any, language: Language) -> str:
    words = spec.name_value(value, language)
    return words[:1].upper() + words[1:]
