"""What the banner is told to show."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering, require_problem
from support.policies import POLICY as FILE
from support.policies import policy_file

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.errors import OfferPolicyError
from churn.model.bundle import Bundle
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import find_default_policy, load_policy
from churn.service.app import create_app
from churn.settings import Settings

POLICY = load_policy(FILE, STREAMFLOW, languages=["en", "de"])
KEYS = [f"key-{number}" for number in range(100)]
HELD_OUT = next(key for key in KEYS if draw_arm(key, POLICY.holdout) == "holdout")
TREATED = next(key for key in KEYS if draw_arm(key, POLICY.holdout) == "treatment")
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def everybody(bundles: dict[str, Bundle]) -> Iterator[InProcess]:
    """A service that shows the banner to everybody whose probability is not 0."""
    with InProcess(
        create_app(Settings(churn_threshold=0.0, offer_policy=FILE), bundle=bundles["streamflow"])
    ) as client:
        yield client


def retention(client: InProcess, subscriber: Any = None, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = client.predict(subscriber or STREAMFLOW.example(), headers=named)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["retention"]
    return found


def test_without_a_banner_there_is_nothing_to_show() -> None:
    with answering(STREAMFLOW, 0.6) as client:
        assert client.predict(STREAMFLOW.example()).json()["retention"] is None


def test_a_banner_has_reasons_and_says_which_policy_chose_its_offer(everybody: InProcess) -> None:
    content = retention(everybody)
    assert list(content) == [
        "headline",
        "reasons",
        "offer",
        "suppressed",
        "offers_considered",
        "language",
        "policy_version",
        "arm",
        "decided_by",
    ]
    assert content["headline"]
    assert content["decided_by"] == "risk"
    assert 1 <= len(content["reasons"]) <= 3
    assert (content["language"], content["policy_version"], content["arm"]) == ("en", POLICY.version, "unassigned")
    offers = [considered["code"] for considered in content["offers_considered"]]
    assert len(offers) + (content["offer"] is not None) == len(POLICY.terms)


def test_a_model_that_nobody_can_verify_gives_a_banner_without_content() -> None:
    with answering(STREAMFLOW, 0.61, contribution=0.1) as client:
        answer = client.predict(STREAMFLOW.example()).json()
    assert answer["show_retention_banner"]
    assert (answer["retention"]["headline"], answer["retention"]["reasons"]) == (None, [])
    assert {found["why"] for found in answer["retention"]["suppressed"]} == {"not_verified", "protected"}


def test_the_holdout_is_judged_as_everybody_and_shown_nothing(everybody: InProcess) -> None:
    answer = everybody.predict(STREAMFLOW.example(), headers={"X-Subscriber-Key": HELD_OUT}).json()
    assert answer["show_retention_banner"]
    assert answer["retention"] == {
        "headline": None,
        "reasons": [],
        "offer": None,
        "suppressed": [],
        "offers_considered": [],
        "language": "en",
        "policy_version": POLICY.version,
        "arm": "holdout",
        "decided_by": None,
    }


def test_the_treatment_is_shown_what_those_without_a_key_are(everybody: InProcess) -> None:
    known, unknown = retention(everybody, x_subscriber_key=TREATED), retention(everybody)
    assert known == unknown | {"arm": "treatment"}


def test_after_an_offer_there_is_none_for_a_while(everybody: InProcess) -> None:
    recently = retention(everybody, x_last_offer=str(TODAY - timedelta(days=1)))
    assert recently["offer"] is None
    assert {considered["why"] for considered in recently["offers_considered"]} == {"cooldown"}
    assert recently["reasons"] == retention(everybody)["reasons"]
    long_ago = retention(everybody, x_last_offer="1999-12-31")
    assert long_ago == retention(everybody)


def test_the_banner_speaks_the_language_asked_for(everybody: InProcess) -> None:
    english, german = retention(everybody), retention(everybody, accept_language="de-CH, en;q=0.5")
    assert german["language"] == "de"
    assert german["headline"] != english["headline"]
    assert [reason["code"] for reason in german["reasons"]] == [reason["code"] for reason in english["reasons"]]
    assert {reason["text"] for reason in german["reasons"]}.isdisjoint(reason["text"] for reason in english["reasons"])


def test_every_answer_has_an_id_of_its_own(everybody: InProcess) -> None:
    ids = {everybody.predict(STREAMFLOW.example()).json()["prediction_id"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize(
    ("headers", "field", "code"),
    [
        ([("X-Subscriber-Key", "")], "X-Subscriber-Key", "out_of_range"),
        ([("X-Subscriber-Key", "a b")], "X-Subscriber-Key", "out_of_range"),
        ([("X-Subscriber-Key", "k" * 129)], "X-Subscriber-Key", "out_of_range"),
        ([("X-Subscriber-Key", "é".encode("latin-1"))], "X-Subscriber-Key", "out_of_range"),
        ([("X-Subscriber-Key", "a"), ("X-Subscriber-Key", "a")], "X-Subscriber-Key", "duplicate"),
        ([("X-Last-Offer", "yesterday")], "X-Last-Offer", "wrong_type"),
        ([("X-Last-Offer", "2026-02-30")], "X-Last-Offer", "wrong_type"),
        ([("X-Last-Offer", "")], "X-Last-Offer", "wrong_type"),
        ([("X-Last-Offer", "2026-01-01"), ("X-Last-Offer", "2026-01-01")], "X-Last-Offer", "duplicate"),
    ],
)
def test_a_wrong_header_is_refused_by_its_name(
    everybody: InProcess, headers: list[tuple[str, str | bytes]], field: str, code: str
) -> None:
    problem = require_problem(everybody.predict(STREAMFLOW.example(), headers=headers), 422)
    [error] = problem["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert problem["detail"] == error["message"]


def test_a_subscribers_key_is_never_logged_nor_sent_back(
    everybody: InProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    key = "opaque-and-private"
    answers = [
        everybody.predict(STREAMFLOW.example(), headers={"X-Subscriber-Key": given}) for given in (key, f"{key} ")
    ]
    assert all(key not in f"{answer.text}{answer.headers}" for answer in answers)
    assert key not in "".join(capfd.readouterr())


def test_a_policy_of_another_contract_is_refused_before_anything_listens(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    other = find_default_policy(find_contract("telco"))
    with pytest.raises(OfferPolicyError):
        create_app(Settings(offer_policy=other), bundle=bundles["streamflow"])
    with pytest.raises(OfferPolicyError, match="cannot be read"):
        create_app(Settings(offer_policy=tmp_path / "none.toml"), bundle=bundles["streamflow"])


def test_another_policy_can_be_given(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(f'version = "{POLICY.version}"', 'version = "mine-1"'), encoding="utf-8")
    with InProcess(
        create_app(Settings(churn_threshold=0.0, offer_policy=path), bundle=bundles["streamflow"])
    ) as client:
        assert retention(client)["policy_version"] == "mine-1"


def test_nothing_shown_to_a_subscriber_names_a_field(
    bundles: dict[str, Bundle], contract: type[Contract], tmp_path: Path
) -> None:
    shows_reasons = find_default_policy(contract).read_text(encoding="utf-8").replace('"nothing"', '"reasons"')
    (tmp_path / "policy.toml").write_text(shows_reasons, encoding="utf-8")
    settings = Settings(churn_threshold=0.0, offer_policy=tmp_path / "policy.toml")
    names = [name for name in contract.feature_names() if re.search(r"_|[a-z][A-Z]", name)]  # others are words, too
    assert names
    with InProcess(create_app(settings, bundle=bundles[contract.contract_name])) as client:
        content = client.predict(contract.example()).json()["retention"]
    assert content["reasons"]
    offer = content["offer"] or {}
    shown = [content["headline"], *(reason["text"] for reason in content["reasons"])]
    shown += [offer.get("title", ""), *offer.get("disclosures", [])]
    assert not [name for name in names if name in " ".join(shown)]


def exploring(folder: Path, **texts: str) -> Path:
    """The policy with a lot for everybody, above the threshold or below."""
    lines = 'without_offer = "nothing"\n[explore]\nshare = 1.0\nbelow_threshold = 1.0\n[headlines]'
    return policy_file(folder, ("[headlines]", lines), *texts.items())


def test_a_lot_may_show_an_offer_or_nothing_and_the_answer_says_so(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    settings = Settings(churn_threshold=0.0, offer_policy=exploring(tmp_path))
    with InProcess(create_app(settings, bundle=bundles["streamflow"])) as client:
        subscriber = STREAMFLOW.example() | {"tenure": 1, "monthly_charges": 110.0}
        contents = [retention(client, subscriber, x_subscriber_key=key) for key in KEYS]
        assert contents == [retention(client, subscriber, x_subscriber_key=key) for key in KEYS]
    shown = [content for content in contents if content["arm"] == "treatment"]
    offers = {(content["offer"] or {}).get("code") for content in shown}
    assert len(offers) > 1
    for content in shown:
        assert bool(content["headline"]) == bool(content["reasons"])
        assert content["decided_by"] == "explore" or content["offer"] or not content["headline"]
        assert len(content["offers_considered"]) + (content["offer"] is not None) == len(POLICY.terms)
        drawn_against = {offer["code"] for offer in content["offers_considered"] if offer["why"] == "not_drawn"}
        assert not drawn_against or content["decided_by"] == "explore"
    assert any(content["headline"] and not content["offer"] for content in shown)
    assert any(not content["headline"] for content in shown)


def test_below_the_threshold_a_banner_may_be_tried_and_is_asked_for_by_nobody(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    with InProcess(
        create_app(Settings(churn_threshold=1.0, offer_policy=exploring(tmp_path)), bundle=bundles["streamflow"])
    ) as client:
        answers = [
            client.predict(STREAMFLOW.example(), headers={"X-Subscriber-Key": key}).json()
            for key in (TREATED, HELD_OUT)
        ]
        assert not any(answer["show_retention_banner"] for answer in answers)
        assert [answer["retention"]["arm"] for answer in answers] == ["treatment", "holdout"]
        assert client.predict(STREAMFLOW.example()).json()["retention"] is None
        assert re.search(r"(?m)^churn_banners_total\{.*\} 0(\.0)?$", client.get("/metrics").text)
