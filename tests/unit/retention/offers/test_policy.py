"""Policies: the contracts' own are valid, and what is wrong with one is told with its place and what to do."""

import re
from pathlib import Path

import pytest
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, POLICY, policy_file, policy_of, policy_without_price

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract
from churn.errors import OfferPolicyError
from churn.retention.offers.benefit import PolicyTable
from churn.retention.offers.document import PolicyDocument
from churn.retention.offers.policy import find_default_policy, load_policy


@pytest.mark.parametrize("contract", [find_contract(name) for name in list_contracts()])
def test_every_contract_has_a_policy_of_its_own_that_is_valid(contract: type[Contract]) -> None:
    policy = load_policy(find_default_policy(contract), contract, languages=LANGUAGES)
    assert policy.document.contract == contract.contract_name
    texts = [text for terms in policy.terms for text in (*terms.titles.values(), *sum(terms.disclosures.values(), ()))]
    assert not any("{" in text or "}" in text for text in texts)
    for never in ("leav", "risk", "score", "churn", "kündig", "risiko", "predict"):
        assert not [text for text in texts if never in text.lower()], f"no subscriber is to read {never!r}"


@pytest.mark.parametrize("name", ["streamflow", "telco"])
def test_the_businesses_that_are_shipped_have_something_to_offer(name: str) -> None:
    contract = find_contract(name)
    assert len(load_policy(find_default_policy(contract), contract, languages=LANGUAGES).terms) >= 4


def test_the_terms_of_an_offer_may_tell_how_to_cancel(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, ("The plan runs for", "You can cancel at any time. The plan runs for"))
    assert policy.terms[0].disclosures["en"][0].startswith("You can cancel at any time.")


def test_numbers_are_written_as_each_language_writes_them(tmp_path: Path) -> None:
    yearly, *_ = policy_of(tmp_path, ("percent = 20,", "percent = 12.5,")).terms
    assert yearly.titles["en"] == "12.5% off for 12 months with a one-year plan"
    assert yearly.titles["de"] == "12,5\N{NO-BREAK SPACE}% Rabatt für 12 Monate mit einem Jahrestarif"
    assert yearly.disclosures["en"][1] == "The discount is at most $240 in all. You can accept until December 31, 2028."
    assert "höchstens 240\N{NO-BREAK SPACE}$. Sie können bis zum 31. Dezember 2028" in yearly.disclosures["de"][1]


def test_cents_are_written_where_there_are_any(tmp_path: Path) -> None:
    welcome = policy_of(tmp_path, ("dollars = 5,", "dollars = 4.5,")).terms[2]
    assert welcome.titles["en"].startswith("A welcome bonus: $4.50 off")
    assert "4,50\N{NO-BREAK SPACE}$ Rabatt" in welcome.titles["de"]


def test_the_headline_follows_from_whether_there_is_an_offer(tmp_path: Path) -> None:
    policy = policy_of(tmp_path)
    assert policy.headline("en", with_offer=True) == "Something for your plan"
    assert policy.headline("de", with_offer=False) == "Holen Sie mehr aus Ihrem Tarif heraus"


def test_a_policy_without_offers_is_one(tmp_path: Path) -> None:
    text = POLICY.read_text(encoding="utf-8")
    path = tmp_path / "none.toml"
    path.write_text(text.partition("[[offer]]")[0], encoding="utf-8")
    assert load_policy(path, STREAMFLOW, languages=LANGUAGES).terms == ()


def test_a_policy_without_a_price_counts_in_its_own_currency(tmp_path: Path) -> None:
    policy = load_policy(policy_without_price(tmp_path, "EUR"), STREAMFLOW, languages=LANGUAGES)
    welcome, support = policy.terms
    assert policy.currency == "EUR"
    assert welcome.titles["en"] == "A welcome bonus: €5 off your next 6 bills"
    assert "5\N{NO-BREAK SPACE}€ Rabatt" in welcome.titles["de"]
    assert (welcome.offer.worth_dollars, support.offer.worth_dollars) == (300, 200)


def test_the_currency_is_the_contracts_if_the_policy_names_none(tmp_path: Path) -> None:
    assert policy_of(tmp_path).currency == "USD"


WRONG = [
    ("version =", "Version =", "Version: is not known", "here may stand version, contract, languages, price_field"),
    ("share = 0.10", "share = 1.5", "holdout: share: should be less than or equal to 1, not 1.5", "0 to 1"),
    ('experiment = "retention-banner-1"', "", "holdout: experiment: is missing", "add the experiment's name"),
    ('"retention-banner-1"', '""', "holdout: experiment: should be lower-case letters", "give the experiment's name"),
    ("days = 180 ", "days = -1 ", "cooldown: days: should be greater than or equal to 0", "days from accepting"),
    ("margin_share = 0.45", "margin_share = nan", "assumptions: margin_share: should be a finite number", "price"),
    ("take_up = 0.30", 'take_up = "0.30"', 'offer "yearly-20": take_up: should be a valid number', "share who accept"),
    ("take_up = 0.30", "takeup = 0.30", 'offer "yearly-20": takeup: is not known', "here may stand code, title"),
    (
        'code = "yearly-20"',
        'code = "Yearly 20"',
        'offer "Yearly 20": code: should be lower-case letters and digits',
        "yearly-20",
    ),
    ('code = "yearly-20"', "", "offer 1: code: is missing", "add the offer's name for machines"),
    ('code = "loyalty-15"', 'code = "yearly-20"', 'offer "yearly-20": stands there 2 times', "a code of its own"),
    ("percent = 20,", "", 'offer "yearly-20": discount: should have either percent or dollars', "comes off the bills"),
    ("percent = 20,", "percent = 20, dollars = 5,", "should have either percent or dollars", "comes off the bills"),
    ("cap_dollars = 240", "cap = 240", 'offer "yearly-20": discount: cap: is not known', "cap_dollars"),
    ("months = 12, cap", "months = 0, cap", "discount: months: should be greater than or equal to 1", "bills"),
    ("expires = 2028-12-31", "expires = 2028-12-31T10:00:00", 'offer "yearly-20": expires: should be', "YYYY-MM-DD"),
    ("expires = 2028-12-31", "expires = 2028-12-32", "is no TOML", "correct that line"),
    (
        "commitment = 0.22",
        "commitment = 1.28",
        'offer "yearly-20": saves: commitment: should be less',
        "share of leaving that it prevents",
    ),
    (
        "commitment = 0.22",
        "comitment = 0.28",
        "saves: comitment: is no reason that a subscriber is shown",
        "commitment",
    ),
    ("commitment = 0.22", "senior_citizen = 0.28", "saves: senior_citizen: is no reason", "history, price"),
    ("commitment = 0.22", "commitment = 0.31", "saves: commitment: is 0.31, more than take_up, 0.3", "lower it or"),
    ('contract = "streamflow"', 'contract = "telco"', "the contract in use is streamflow", "CHURN_CONTRACT"),
    ('languages = ["en", "de"]', 'languages = ["en"]', "headlines: with_offer: has de, which is not", "leave it out"),
    ('languages = ["en", "de"]', 'languages = ["de"]', "languages: lacks en", "add it here and to every text"),
    ('["en", "de"]', '["en", "de", "fr"]', "languages: has fr", "answers are given in de, en"),
    ("with_offer.de", "with_offer.fr", "headlines: with_offer: has no de", "add the text in this language"),
    ("title.de = ", "title.fr = ", 'offer "yearly-20": title: has no de', "add the text in this language"),
    ("disclosures.de = ", "disclosures.fr = ", "disclosures: has fr, which is not among languages", "leave it out"),
    ('title.en = "{percent}', 'title.en = "{share}', "title: en: has {share}, which this offer has no", "{percent}"),
    ('title.en = "{percent}', 'title.en = "{percent', "title: en: has braces that are not in pairs", "{percent}"),
    ('title.en = "{percent}', 'title.en = "{percent:>{cap}}', "braces that are not in pairs or hold more", "{cap}"),
    ('"Something for', '"{dollars} for', "headlines: with_offer: en: has {dollars}, which there is no", "no numbers"),
    ('"Something for', '"Before you leave: for', "headlines: with_offer: en: has 'leave', but no", "what would help"),
    ('"Etwas für', '"Bevor Sie uns verlassen: für', "with_offer: de: has 'uns verlassen', but no", "what they have"),
    ("A thank-you for", "You look at risk:", "title: en: has 'risk', but no subscriber is told", "what would help"),
    ("Danke für", "Bitte nicht kündigen:", "title: de: has 'kündigen', but no subscriber is told", "what would help"),
    ("The plan runs for", "Else you would churn.", "disclosures: en: has 'churn', but no", "what would help"),
    ("title.en = ", 'title.en = "" #', "title: en: text should have at least 1", "the offer in a line"),
    ("monthly_charges.at_least = 30", "senior_citizen.is = [true]", "eligible: senior_citizen: is protected", "take"),
    ("monthly_charges.at_least = 30", "price.at_least = 30", "eligible: price: is no field", "use tenure, monthly"),
    (
        "monthly_charges.at_least = 30",
        "tenure.is = [1]",
        "eligible: tenure: is: tenure is a number",
        "at_least, at_most",
    ),
    ("monthly_charges.at_least = 30", "tenure = {}", "eligible: tenure: says nothing", "at_least, at_most or both"),
    ("monthly_charges.at_least = 30", "tenure.at_least = 200", "is 200, but tenure is at most 120", "lower it"),
    ("monthly_charges.at_least = 30", "tenure.at_most = -1", "is -1, but tenure is at least 0", "raise it"),
    ("monthly_charges.at_least = 30", "tenure = {at_least=9, at_most=8}", "so nobody is eligible", "exchange them"),
    ("monthly_charges.at_least = 30", "tenure.atleast = 3", "eligible: tenure: atleast: is not known", "is, at_least"),
    (
        "monthly_charges.at_least = 30",
        "paperless_billing = {}",
        "eligible: paperless_billing: says nothing",
        "true, fa",
    ),
    (
        "monthly_charges.at_least = 30",
        "paperless_billing.is = [1]",
        "1 is no value of paperless_billing",
        "true, false",
    ),
    ('["month-to-month"]', '["monthly"]', "is: 'monthly' is no value of contract_type", "month-to-month, one-year"),
    ('["month-to-month"]', "[[1]]", "is: [1] is no value of contract_type", "month-to-month, one-year"),
    ('["month-to-month"]', "[]", "eligible: contract_type: is: list should have at least 1 item", "as a list"),
    (".is = [", ".at_least = 1 #", "eligible: contract_type: contract_type is no number", "use is = [...]"),
    ('"monthly_charges"', '"senior_citizen"', "price_field: senior_citizen is protected", "monthly_charges"),
    ('"monthly_charges"', '"contract_type"', "price_field: contract_type is a category, no number", "monthly_charges"),
    (
        '"monthly_charges"',
        '"num_support_tickets"',
        "price_field: num_support_tickets is no money: the contract writes it neither with write_dollars nor",
        "give one of monthly_charges, total_charges",
    ),
    ('price_field = "monthly_charges"', "", "assumptions: are made of the price, but there is no", "add price_field"),
    (
        'price_field = "monthly_charges"',
        "",
        'offer "yearly-20": discount: percent: is a share of the price, but there is no',
        "give dollars instead",
    ),
    ('price_field = "monthly_charges"', "", 'offer "yearly-20": worth_dollars: is missing', "what it is worth to keep"),
    (
        'code = "yearly-20"',
        'code = "yearly-20"\nworth_dollars = 9',
        "worth_dollars: stands beside a price",
        "one of the",
    ),
    ("price_field =", 'currency = "EURO"\nprice_field =', "currency: EURO is none", "such as EUR"),
    ("price_field =", 'currency = "EUR"\nprice_field =', "the contract has monthly_charges in USD", "Money("),
    ('"monthly_charges"', '"price"', "price_field: price is no field of the contract streamflow", "monthly_charges"),
]


@pytest.mark.parametrize(("old", "new", "what", "instead"), WRONG, ids=[what for _, _, what, _ in WRONG])
def test_what_is_wrong_is_told_with_file_place_and_what_to_do(
    tmp_path: Path, old: str, new: str, what: str, instead: str
) -> None:
    path = policy_file(tmp_path, (old, new))
    with pytest.raises(OfferPolicyError) as caught:
        load_policy(path, STREAMFLOW, languages=LANGUAGES)
    assert caught.value.message.startswith(f"{path}")
    assert what in caught.value.message
    assert instead in caught.value.instead + caught.value.message
    assert caught.value.instead
    assert not re.search("Input|tuple|[Dd]ictionary|string|pattern", caught.value.message)
    assert caught.value.exit_code == 2


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = policy_file(tmp_path, ("monthly_charges.at_least = 30", "senior_citizen.is = [true]"), ("{cap}", "{most}"))
    with pytest.raises(OfferPolicyError, match=re.escape(f"{path}: 5 problems\n")) as caught:
        load_policy(path, STREAMFLOW, languages=LANGUAGES)
    assert '\n  offer "yearly-20": eligible: senior_citizen: is protected' in caught.value.message


def test_a_protected_field_is_refused_in_every_contract(tmp_path: Path) -> None:
    for name in list_contracts():
        contract = find_contract(name)
        for spec in contract.features:
            value = f'["{spec.categories[0]}"]' if spec.categories else "[true]"
            text = find_default_policy(contract).read_text(encoding="utf-8")
            path = tmp_path / f"{name}.toml"
            path.write_text(f"{text}\neligible.{spec.name}.is = {value}\n", encoding="utf-8")
            if spec.marker.protected:
                with pytest.raises(OfferPolicyError, match=f"eligible: {spec.name}: is protected"):
                    load_policy(path, contract, languages=LANGUAGES)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OfferPolicyError, match=r"none\.toml cannot be read: No such file") as caught:
        load_policy(tmp_path / "none.toml", STREAMFLOW, languages=LANGUAGES)
    assert "docs/offers.md" in caught.value.instead


def test_every_key_says_what_it_is_for() -> None:
    """What to give instead is taken from there."""
    tables: list[type[PolicyTable]] = [PolicyDocument, *PolicyTable.__subclasses__()]
    for table in tables:
        for name, field in table.model_fields.items():
            assert field.description, f"{table.__name__}.{name}"
