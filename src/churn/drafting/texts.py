"""What customers may read of a drafted field: its label and value in plain words, until a person says it better."""

from collections.abc import Iterable, Mapping, Sequence

from churn.contract.language import ENGLISH
from churn.contract.messages import Message
from churn.contract.unspoken import LEAVING, find_unspoken
from churn.drafting.naming import find_internal

NUMBER, UNKNOWN = "{value}", "unknown"
YES, NO = "yes", "no"
WITH_OFFER, WITHOUT_OFFER = "Something for you", "Good to have you with us"
BRACES = str.maketrans("{}", "()")
# A draft can be in these languages, and in English.
WORDS: Mapping[str, Mapping[str, str]] = {
    "de": {
        UNKNOWN: "unbekannt",
        YES: "ja",
        NO: "nein",
        "Unknown": "Unbekannt",
        "Yes": "Ja",
        "No": "Nein",
        "Other": "Sonstiges",
        WITH_OFFER: "Etwas für Sie",
        WITHOUT_OFFER: "Schön, dass Sie bei uns sind",
    }
}
LANGUAGES = (ENGLISH.code, *WORDS)


def write_text(label: str, value: str) -> str:
    """Write what is said of a value: `Support tickets: 5`."""
    return f"{label}: {value.translate(BRACES).replace('_', ' ').strip()}"


def write_number_text(label: str) -> str:
    """Write what is said of every number: `Support tickets: {value}`."""
    return f"{label}: {NUMBER}"


def find_hidden_word(label: str, texts: Iterable[str]) -> str | None:
    """Return a word for which customers read nothing of a field: of leaving, of risk, or of what a business thinks."""
    told = (find_unspoken(text, language) for text in (label, *texts) for language in LEAVING)
    return find_internal(label) or next(filter(None, told), None)


def translate(message: str, language: str) -> str:
    """Translate a message of a draft as far as its words are known. Names of columns and values of the file stay."""
    words = WORDS.get(language, {})
    label, sign, value = message.rpartition(": ")
    return words.get(message) or f"{label}{sign}{words.get(value, value)}"


def translate_draft(message: Message, language: str) -> tuple[str, Sequence[str]]:
    """Translate a message for a catalogue. A comment says TODO, unless the whole of it is known."""
    assert isinstance(message, str)  # noqa: S101 - a draft has no nouns
    is_known = message in WORDS[language]
    return translate(message, language), () if is_known else ("TODO: translate, then remove this line.",)
