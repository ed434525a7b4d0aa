"""What a catalogue must translate: each text of a contract that a subscriber may read, and the nouns of counts."""

from collections.abc import Iterable

from churn.contract.declaration import Contract
from churn.contract.phrases import CountedNoun

type MessageId = str | tuple[str, str]
"""An English text, or a noun of one and of many."""


def list_message_ids(contracts: Iterable[type[Contract]]) -> list[MessageId]:
    """List all messages of these contracts, each once, in the order of the contracts and their fields."""
    return list(dict.fromkeys(message for contract in contracts for message in _messages(contract)))


def _messages(contract: type[Contract]) -> list[MessageId]:
    shown = [spec for spec in contract.features if spec.is_showable]
    nouns = [spec.words for spec in shown if isinstance(spec.words, CountedNoun)]
    texts = [text for spec in shown for band in spec.bands for text in (band.raises, band.lowers)]
    return [*((noun.one, noun.many) for noun in nouns), *texts]
