import string

import pytest
from babel import numbers
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from churn.businesses import find_contract, list_contracts
from churn.contract.catalogues import choose_code
from churn.contract.language import (
    BILLION,
    ENGLISH,
    LOCALES,
    SYMBOLS,
    find_language,
    list_language_codes,
)
from churn.contract.messages import list_messages
from churn.contract.unspoken import find_unspoken

CENT = 0.01
TRANSLATIONS = [code for code in list_language_codes() if code != ENGLISH.code]


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_there_is_more_than_one_language() -> None:
    assert list_language_codes() == ("en", "de")


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_catalogue_translates_every_message_and_no_other(code: str) -> None:
    with (LOCALES / f"{code}.po").open("rb") as source:
        catalogue = read_po(source, locale=code, abort_invalid=True)
    messages = {message for name in list_contracts() for message in list_messages(find_contract(name))}
    assert {message.id for message in catalogue if message.id} == messages
    for message in catalogue:
        ids, texts = ([each] if isinstance(each, str) else each or [] for each in (message.id, message.string))
        assert len(ids) == len(texts)
        assert all(texts)
        assert not message.fuzzy
        assert [placeholders(text) for text in texts] == [placeholders(each) for each in ids]
        assert not [text for text in texts if find_unspoken(text, code)]


# Amounts between two cents are drawn on purpose: a tenth off 26.75 is one.
@given(
    st.floats(-BILLION, BILLION, exclude_min=True, exclude_max=True).filter(lambda amount: abs(amount) > CENT)
    | st.integers(10, 10**9).map(lambda mills: mills / 1000),
    st.sampled_from([*SYMBOLS]),
)
def test_english_money_is_written_as_babel_writes_it(amount: float, currency: str) -> None:
    assert ENGLISH.write_money(amount, currency) == numbers.format_currency(amount, currency, locale="en_US")


@given(st.floats(1, BILLION, exclude_max=True))
def test_english_decimals_are_written_as_babel_writes_them(number: float) -> None:
    words = "month" if numbers.format_decimal(number, locale="en_US") == "1" else "months"
    assert ENGLISH.write_count(number, "month", "months") == f"{numbers.format_decimal(number, locale='en_US')} {words}"


@given(st.integers(0, 10**9))
def test_english_counts_are_written_as_babel_writes_them(number: int) -> None:
    words = "month" if number == 1 else "months"
    assert ENGLISH.write_count(number, "month", "months") == f"{numbers.format_decimal(number, locale='en_US')} {words}"


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("fr;q=0.9, de;q=0.4", "de"),
        ("de;q=0, fr", "en"),
        ("de;q=often", "en"),
        ("*", "en"),
        ("DE", "de"),
        (";;;,,,q=1", "en"),
        ("en;q=0.1, de;q=nan", "en"),
    ],
)
def test_the_language_liked_best_is_taken(accepted: str | None, code: str) -> None:
    assert choose_code(accepted or "", ("en", "de")) == code


@given(st.text(max_size=300))
def test_no_header_is_too_strange(accepted: str) -> None:
    assert choose_code(accepted, ("en", "de")) in {"en", "de"}


def test_an_unknown_text_stays_english() -> None:
    assert find_language("de").translate("no message") == "no message"


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("Before you leave: a present.", "en", "leave"),
        ("You have a high RISK.", "en", "RISK"),
        ("Cancelling takes a minute.", "en", "Cancelling"),
        ("Quite a brisk cleaver, left over.", "en", None),
        ("Bevor Sie uns verlassen: ein Geschenk.", "de", "uns verlassen"),
        ("Sie können sich auf uns verlassen.", "de", None),
        ("Sie haben gekündigt.", "de", "gekündigt"),
        ("Nach der Ankündigung.", "de", None),
        ("Avant de nous quitter.", "fr", None),
    ],
)
def test_words_of_leaving_and_of_risk_are_found_as_whole_words(text: str, language: str, word: str | None) -> None:
    assert find_unspoken(text, language) == word
