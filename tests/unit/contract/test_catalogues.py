"""A contract outside the package has catalogues of its own, and what needs a missing translation is known."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from support.processes import churn

from churn.answers import CustomerReason
from churn.businesses import find_contract
from churn.contract.catalogues import Languages, find_contract_language, list_languages, list_missing
from churn.contract.declaration import Contract
from churn.errors import ContractError
from churn.retention.reasons import is_worded

SHOP = '''
from typing import Annotated, Literal
from pydantic import Field
from churn.contract.declaration import Contract, Feature
from churn.contract.phrases import Band, Bands, CountedNoun, Says

class Buyer(Contract):
    """A buyer of a shop."""

    contract_name, id_column, label_column, label_values = "shop", "id", "gone", ("0", "1")
    visits: Annotated[int, Field(ge=0, le=99, description="Visits.", examples=[2]), Feature(says=Bands(
        [Band("{value}", "You came {value}.", "You came {value}: thanks.", name="any")],
        words=CountedNoun("time", "times"),
    ))]
    card: Annotated[bool, Field(description="A card.", examples=[True]), Feature(says={
        True: Says("A card", "You have a card.", "A card is yours."),
        False: Says("No card", "You need one.", "It is free."),
    })]
    kind: Annotated[
        Literal["a", "b"], Field(description="Kind.", examples=["a"]), Feature(says={"a": Says("A"), "b": Says("B")})
    ]

CONTRACT = Buyer
'''
GERMAN = {
    "Visits": "Besuche",
    "You came {value}.": "Sie kamen {value}.",
    "You came {value}: thanks.": "Sie kamen {value}: danke.",
    "Card": "Karte",
    "You have a card.": "Sie haben eine Karte.",
    "A card is yours.": "Eine Karte gehört Ihnen.",
    "You need one.": "Sie brauchen eine.",
    "It is free.": "Sie kostet nichts.",
}
NOUN = 'msgid "time"\nmsgid_plural "times"\nmsgstr[0] "Mal"\nmsgstr[1] "Mal"\n'
HEAD = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    monkeypatch.setenv("CHURN_BUSINESSES", str(tmp_path))
    return tmp_path


def translate(folder: Path, *, but: Sequence[str] = (), noun: str = NOUN) -> type[Contract]:
    texts = [f'msgid "{text}"\nmsgstr "{german}"\n' for text, german in GERMAN.items() if text not in but]
    (folder / "shop.de.po").write_text("\n".join([HEAD, *texts, noun]), encoding="utf-8")
    return find_contract("shop")


def reason(code: str) -> CustomerReason:
    return {"code": code, "group": "", "actionable": False, "text": ""}


def test_a_contracts_own_catalogue_is_taken_over_the_shared_one(folder: Path) -> None:
    contract = translate(folder)
    german = find_contract_language(contract, "de")
    visits, card, _ = contract.features
    assert list_missing(contract, "de") == []
    assert visits.word_for_subscriber(3, "increases_risk", german) == "Sie kamen 3 Mal."
    assert german.translate(card.label) == "Karte"
    assert card.name_value(value=True, language=german) == "Ja"  # which is shared


def test_another_language_is_one_as_soon_as_it_has_a_catalogue(folder: Path) -> None:
    contract = find_contract("shop")
    assert list_languages(contract) == ("en", "de")
    (folder / "shop.fr.po").write_text(HEAD + '\nmsgid "Card"\nmsgstr "Carte"\n', encoding="utf-8")
    assert list_languages(contract) == ("en", "de", "fr")
    languages = Languages(contract, ("en", "fr"))
    assert [languages.choose(text).code for text in ("fr-CA", "de", None)] == ["fr", "en", "en"]
    assert len(list_missing(contract, "fr")) == 10


def test_what_needs_a_message_that_is_missing_is_not_worded(folder: Path) -> None:
    contract = translate(folder, but=["You have a card."], noun="")
    german = find_contract_language(contract, "de")
    assert german.lacks == {"You have a card.", ("time", "times")}
    buyer = contract.model_validate(contract.example())
    assert not is_worded(buyer, [reason("card.true")], german)
    assert not is_worded(buyer, [reason("visits.any")], german)
    assert is_worded(buyer.model_copy(update={"card": False}), [reason("card.false")], german)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("Sie kamen {value}.", "Sie kamen {wert}.", "has other braces: 'Sie kamen {wert}.'"),
        ("Sie kamen {value}.", "Sie kamen.", "has other braces: 'Sie kamen.'"),
        ("Sie brauchen eine.", "Sonst kündigen Sie.", "has 'kündigen', but no subscriber is told of leaving"),
        ('msgid "Card"', 'mgsid "Card"', "shop.de.po is no catalogue"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_refused(folder: Path, old: str, new: str, complaint: str) -> None:
    contract = translate(folder)
    path = folder / "shop.de.po"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ContractError) as refused:
        find_contract_language(contract, "de")
    assert complaint in refused.value.message
    assert refused.value.instead


def test_the_command_lists_what_is_missing_and_begins_a_catalogue(folder: Path) -> None:
    translate(folder, but=["You need one."])
    done = churn(folder, "contract", "messages", "shop", "--language", "de")
    assert (done.code, "You need one." in done.out, "1 of 11 messages" in done.out) == (3, True, True)
    done = churn(folder, "contract", "messages", "shop", "--language", "fr", "--write", "--json")
    assert (done.code, '"missing"' in done.out) == (3, True)
    with (folder / "shop.fr.po").open("rb") as source:
        written = read_po(source, locale="fr", abort_invalid=True)
    assert {message.id for message in written if message.id} == {*GERMAN, ("time", "times"), "Yes", "No"}
    done = churn(folder, "contract", "messages", "shop", "--language", "xx")
    assert (done.code, "'xx' is no language that is known here" in done.err) == (2, True)
    translate(folder)
    assert churn(folder, "contract", "messages", "shop", "--language", "de").code == 0
