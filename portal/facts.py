"""A subscriber's facts in the contract's words, for a business that has no page of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from churn.contract.catalogues import find_contract_language, list_languages, list_missing
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
    return [
        Fact(words.translate(spec.label), not_known if value is None else _describe(spec, value, words))
        for spec in shown
        for value in [facts.get(spec.name)]
    ]


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


def _describe(spec: FeatureSpec, value: Any, language: Language) -> str:
    words = spec.name_value(value, language)
    return words[:1].upper() + words[1:]
