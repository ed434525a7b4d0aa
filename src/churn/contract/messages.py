"""The messages of a contract: all that a catalogue must have, so that subscribers read one language only."""

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.phrases import CountedNoun

type Message = str | tuple[str, str]
"""A text, or a noun for one and for many."""
OFFER_IS_FOR_YOU = ("This offer is for you because {reason}.", "It is also for you because {reason}.")
"""How the first reason of an offer is said, and the second."""


def list_messages(contract: type[Contract]) -> list[Message]:
    """List the messages in the contract's order, each once. What no subscriber is shown has none."""
    shown = [spec for spec in contract.features if spec.is_showable]
    labels: list[Message] = [day.label for day in map(contract.find_date, shown) if day]
    says_why = any(band.suits for spec in shown for band in (*spec.bands, spec.unknown))
    around: tuple[Message, ...] = OFFER_IS_FOR_YOU if says_why else ()
    return list(
        dict.fromkeys([*labels, *(message for spec in shown for message in list_field_messages(spec)), *around])
    )


def list_field_messages(spec: FeatureSpec) -> list[Message]:
    """List the messages of a field: its label, its values' labels or its noun, and the texts for subscribers."""
    nouns: list[Message] = [(spec.words.one, spec.words.many)] if isinstance(spec.words, CountedNoun) else []
    of_unknown = [spec.unknown] if spec.is_nullable else []
    bands = [*spec.bands, *of_unknown]
    labels = [band.label for band in (of_unknown if spec.words else bands)]
    texts = [text for band in bands for text in (band.raises, band.lowers, band.suits) if text]
    return [spec.label, *nouns, *labels, *texts]
