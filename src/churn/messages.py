"""What a catalogue must translate: every text of every contract that a subscriber may read, and the nouns of counts."""

from __future__ import annotations

from churn.contract import Contract
from churn.contracts import contract_names, find_contract
from churn.phrases import Counted

type MessageId = str | tuple[str, str]
"""An English text, or a noun of one and of many."""


def message_ids() -> list[MessageId]:
    """All messages, each once, in the order of the contracts and their fields."""
    found = (message for name in contract_names() for message in _messages(find_contract(name)))
    return list(dict.fromkeys(found))


def _messages(contract: type[Contract]) -> list[MessageId]:
    shown = [spec for spec in contract.features if spec.showable]
    nouns = [spec.words for spec in shown if isinstance(spec.words, Counted)]
    texts = [text for spec in shown for band in spec.bands for text in (band.raises, band.lowers)]
    return [*((noun.one, noun.many) for noun in nouns), *texts]
