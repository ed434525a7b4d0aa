"""The portal of a business that nobody wrote a page for, and of one that has files of its own."""

import copy
import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import support.dated
from support.fake_service import LOW, OFFER, FakeService, with_retention
from support.gym import write_gym
from support.visiting import Portal

from churn.businesses import find_contract
from churn.contract.catalogues import write_messages
from churn.errors import ChurnError
from portal.business import load_business
from portal.words import PAGE, format_dollars

OF_STREAMFLOW = ("StreamFlow", "Manage Subscription", "bill", "plan,", "streaming", "senior", "Internet")


@pytest.fixture
def gym(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_gym(tmp_path / "businesses")
    monkeypatch.setenv("CHURN_BUSINESSES", str(folder))
    return folder


@pytest.fixture
def portal(gym: Path, service: FakeService, tmp_path: Path) -> Iterator[Portal]:
    assert gym.is_dir()
    with Portal(tmp_path, service.address, service_budget_ms=5000, churn_contract="gym") as made:
        yield made


def visitor_of(portal: Portal, number: int, name: str = "gym") -> Any:
    visitor = portal.visitor()
    visitor.get("/sign-in")
    visitor.submit("/sign-in", subscriber=load_business(name).subscribers[number - 1].key)
    return visitor


def test_facts_that_may_be_shown_are_listed_in_words(portal: Portal) -> None:
    facts = load_business("gym").subscribers[0].facts
    page = visitor_of(portal, 1).get().text
    assert "<title>Your account · Gym</title>" in page
    for label, value in (("Fee", f"${facts['fee']:,.2f}"), ("Plan", facts["plan"]), ("Trainer", "")):
        assert f"<dt>{label}</dt>" in page
        assert value.lower() in page.lower()
    assert "Visits" not in page, "it has no words for subscribers"
    assert "etired" not in page, "it is protected"


def test_of_a_draft_all_facts_are_listed_but_personal_traits(
    portal: Portal, gym: Path, service: FakeService, tmp_path: Path
) -> None:
    source = (gym / "gym.py").read_text(encoding="utf-8")
    draft = re.sub(r'(Says|Band)\(("[^"]*"), "[^"]*", "[^"]*"', r"\1(\2", source).replace('"gym"', '"club"')
    (gym / "club.py").write_text(draft, encoding="utf-8")
    with Portal(tmp_path / "club", service.address, service_budget_ms=5000, churn_contract="club") as club:
        page = visitor_of(club, 1, "club").get().text
    assert "No field of the contract has words for subscribers yet" in page
    assert "<dt>Visits</dt>" in page
    assert "etired" not in page
    assert "has words for subscribers" not in visitor_of(portal, 1).get().text


def test_a_banner_is_shown_and_its_offer_accepted_in_words_of_no_other_business(
    portal: Portal, service: FakeService
) -> None:
    visitor = visitor_of(portal, 1)
    page = visitor.get().text
    find_contract("gym").model_validate(service.asked[0].facts)
    assert "$15.00 off each of your next 6 monthly payments: $90.00 in all." in page
    visitor.submit(f"/offers/{visitor.banner()}")
    accepted = visitor.get().text
    assert f"Your offer is active: {OFFER['title']}" in accepted
    texts = portal.visitor().get("/sign-in").text + page.replace(OFFER["disclosures"][0], "") + accepted
    assert [text for text in OF_STREAMFLOW if text in texts] == []


@pytest.fixture
def german_gym(gym: Path) -> Path:
    """The gym with a catalogue in which each message is another one."""
    contract = find_contract("gym")
    nouns = ("Mal", ())
    write_messages(contract, "de", gym / "gym.de.po", lambda it: (f"{it} (de)", ()) if isinstance(it, str) else nouns)
    return gym


GERMAN = {"Accept-Language": "de-CH, fr;q=0.9"}
OF_THE_PAGE = [text for name, text in PAGE["en"].items() if name != "switch" and "{" not in text]


def test_a_page_is_in_one_language_whatever_stands_on_it(
    german_gym: Path, portal: Portal, service: FakeService
) -> None:
    assert german_gym.is_dir()
    service.answer = copy.deepcopy(LOW)
    visitor = portal.visitor()
    people = visitor.get("/sign-in", headers=GERMAN).text
    assert people.count("Fee (de): ") == 12
    visitor.submit("/sign-in", subscriber=load_business("gym").subscribers[0].key)
    plain = visitor.get(headers=GERMAN).text
    assert '<html lang="de">' in people
    assert '<html lang="de">' in plain
    assert "<title>Ihr Konto · Gym</title>" in plain
    fee = load_business("gym").subscribers[0].facts["fee"]
    assert f"<dt>Fee (de)</dt><dd>{format_dollars(fee, 'de')}</dd>" in plain
    assert [text for text in OF_THE_PAGE if text in people + plain] == []
    service.answer = with_retention(language="de", headline="Etwas für Sie")
    banner = visitor.get(headers={"Accept-Language": "en"}).text
    assert '<html lang="de">' in banner, "in the banner's language"
    assert [text for text in OF_THE_PAGE if text in banner] == []
    assert "15,00\N{NO-BREAK SPACE}$ Nachlass" in banner
    confirm = visitor.get(f"/offers/{visitor.banner()}").text
    visitor.submit(f"/offers/{visitor.banner()}")
    accepted = visitor.get(headers={"Accept-Language": "en"}).text
    assert [text for text in OF_THE_PAGE if text in confirm + accepted] == []
    assert '<html lang="de">' in confirm
    assert '<html lang="de">' in accepted


def test_a_page_is_in_english_where_the_banner_is_or_a_message_is_not_translated(
    german_gym: Path, portal: Portal, service: FakeService, tmp_path: Path
) -> None:
    page = visitor_of(portal, 1).get(headers=GERMAN).text
    assert '<html lang="en">' in page
    assert "At a glance" in page
    assert "(de)" not in page
    catalogue = german_gym / "gym.de.po"
    catalogue.write_text(catalogue.read_text().replace('msgid "Fee"', 'msgid "Price"'))
    service.answer = copy.deepcopy(LOW)
    with Portal(tmp_path / "lacking", service.address, service_budget_ms=5000, churn_contract="gym") as lacking:
        page = visitor_of(lacking, 1).get(headers=GERMAN).text
    assert '<html lang="en">' in page
    assert "(de)" not in page


def test_its_people_are_the_same_at_each_start_and_nobody_elses(portal: Portal, gym: Path) -> None:
    assert gym.is_dir()
    people = load_business("gym").subscribers
    assert people == load_business("gym").subscribers
    assert [who.number for who in people] == list(range(1, 13))
    assert len({who.key for who in people}) == 12
    visitor = portal.visitor()
    visitor.get("/sign-in")
    assert visitor.submit("/sign-in", subscriber=load_business("streamflow").subscribers[0].key).status_code == 404


def test_people_can_be_the_first_rows_of_a_data_file(gym: Path) -> None:
    path = gym / "members.csv"
    rows = [{**find_contract("gym").example(), "member": f"m-{number}", "cancelled": "no"} for number in range(14)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    people = load_business("gym", path).subscribers
    assert [who.key for who in people] == [f"m-{number}" for number in range(12)]
    assert people[0].facts == find_contract("gym").example()


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("", "it has no rows"),
        ("member\nm-1\n", "row 1 is not valid: visits: blank"),
        ("member,visits\n,3\n", "row 1 has no key"),
        ("member,visits,fee,plan,trainer,retired\n" + "m-1,3,9,monthly,1,0\n" * 2, "have the same member"),
    ],
)
def test_a_data_file_that_cannot_be_used_is_refused_with_its_row(gym: Path, content: str, wrong: str) -> None:
    path = gym / "members.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ChurnError, match=wrong):
        load_business("gym", path)


def test_a_business_says_it_in_its_own_way(gym: Path, service: FakeService, tmp_path: Path) -> None:
    (gym / "gym.portal.toml").write_text(
        'name = "Iron Gym"\ntitle = "Membership"\nphrases.en.accept = "Take it"\n', encoding="utf-8"
    )
    (gym / "gym.portal.html").write_text("<p>It costs {{ facts.fee | dollars }}.</p>", encoding="utf-8")
    with Portal(tmp_path, service.address, service_budget_ms=5000, churn_contract="gym") as portal:
        page = visitor_of(portal, 1).get().text
    assert "<title>Membership · Iron Gym</title>" in page
    assert "Take it" in page
    assert f"It costs ${load_business('gym').subscribers[0].facts['fee']:,.2f}." in page


@pytest.mark.parametrize(
    ("ending", "content", "wrong"),
    [
        ("toml", "colour = 1", "colour: Extra inputs"),
        ("toml", "name = ", "Invalid value"),
        ("toml", 'phrases.en.thankyou = "x"', "thankyou is no phrase"),
        ("toml", 'phrases.fr.accept = "Oui"', "phrases.fr: .* is missing"),
        ("toml", 'phrases.en.by = "{dya}"', "nothing is filled in at {dya}"),
        ("toml", 'phrases.en.by = "{day.year}"', "nothing is filled in at {day.year}"),
        ("toml", 'phrases.en.by = "{"', "Single '{' encountered"),
        (
            "toml",
            'subscriber = [{key = "a", title = "A", facts = {fee = -1}}]',
            "subscriber 'a': visits is missing",
        ),
        ("html", "{% if %}", "gym.portal.html, line 1"),
        ("html", "{{ facts.nothing }}", "has no attribute 'nothing'"),
    ],
)
def test_a_file_beside_the_contract_that_cannot_be_used_is_refused_at_the_start(
    gym: Path, tmp_path: Path, ending: str, content: str, wrong: str
) -> None:
    (gym / f"gym.portal.{ending}").write_text(content, encoding="utf-8")
    with pytest.raises(ChurnError, match=wrong):
        Portal(tmp_path, "http://127.0.0.1:9", churn_contract="gym")


def copy_dated(folder: Path) -> None:
    for file in (Path(support.dated.__file__), Path(support.dated.__file__).with_suffix(".toml")):
        (folder / file.name).write_bytes(file.read_bytes())


def test_a_date_stands_on_the_page_and_is_sent_so_that_each_day_counts_anew(
    gym: Path, service: FakeService, tmp_path: Path
) -> None:
    copy_dated(gym)
    with Portal(tmp_path, service.address, service_budget_ms=5000, churn_contract="dated") as portal:
        page = visitor_of(portal, 1, "dated").get().text
    facts = service.asked[0].facts
    assert [*facts] == ["books", "joined_on", "last_visit"]
    joined = date.fromisoformat(facts["joined_on"])
    assert "<dt>Joined</dt>" in page
    assert f"<dd>{joined:%B} {joined.day}, {joined.year}</dd>" in page


def test_the_dates_of_a_file_lie_as_long_before_today_as_before_the_day_that_they_are_counted_to(gym: Path) -> None:
    copy_dated(gym)
    path = gym / "readers.csv"
    path.write_text("reader,books,joined_on,last_visit,counted_on\nr-1,3,2019-12-01,,2019-12-31\n", encoding="utf-8")
    [reader] = load_business("dated", path).subscribers
    joined = datetime.now(UTC).date() - timedelta(days=30)
    assert reader.facts == {"books": 3, "joined_on": joined.isoformat(), "last_visit": None}
