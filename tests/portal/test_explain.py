"""*Explain this prediction* as the server makes it, beside the real service of each contract."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from support.broken_servers import NONSENSE, REFUSING, UNAVAILABLE
from support.processes import serving
from support.visiting import Portal

from churn.answers import Arm, RetentionAnswer, WhyNotOffered, WhyNotShown
from churn.businesses import list_contracts
from churn.client import ChurnClient
from churn.model.bundle import Bundle
from portal.explain import ARMS, WHY_NOT_OFFERED, WHY_NOT_SHOWN

pytestmark = pytest.mark.xdist_group("explain")

HOSTILE = "<script>alert(1)</script>\"' onload=alert(1) {{ 7 * 7 }}"
PART = "/explain/answer"
SLOW = {"never answers", "answers too late", "sends its headers a byte at a time", "sends its body a byte at a time"}


class Page:
    """The page of a contract's service."""

    def __init__(self, portal: Portal, bundle: Bundle, service: str) -> None:
        self.portal, self.contract, self.service = portal, bundle.model.contract, service

    def get(self, form: dict[str, Any] | None = None, path: str = "/explain") -> httpx2.Response:
        return self.portal.team_visitor().get(path, params=form)

    def answer(self, **asked: Any) -> RetentionAnswer:
        """What the service itself answers about the example."""
        with ChurnClient(self.service, budget_s=5) as client:
            return client.predict(self.contract.example(), reasons=len(self.contract.features), **asked)

    def at_risk(self) -> dict[str, Any]:
        """A subscriber who gets a banner."""
        with ChurnClient(self.service, budget_s=5) as client:
            for spec in self.contract.features:
                for value in spec.categories or (spec.lower, 50):
                    found = self.contract.example() | {spec.name: value}
                    if client.predict(found)["retention"]:
                        return found
        raise AssertionError


@pytest.fixture(scope="module", params=list_contracts())
def running(
    request: pytest.FixtureRequest, bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Bundle, str]]:
    bundle = bundles[request.param]
    home = tmp_path_factory.mktemp("home")
    # So low that most subscribers get a banner.
    with serving(home, "serve", MODEL_PATH=bundle.path, CHURN_CONTRACT=request.param, CHURN_THRESHOLD=0.05) as (
        address,
        _,
    ):
        yield bundle, address


@pytest.fixture
def explain(running: tuple[Bundle, str], tmp_path: Path) -> Iterator[Page]:
    with Portal(tmp_path, running[1]) as portal:
        yield Page(portal, *running)


def text_from_cell(page: httpx2.Response) -> str:
    return plain(html.unescape(re.sub(r"<[^>]*>", "", page.text)))


def plain(text: str) -> str:
    """With one simple space wherever there is any."""
    return " ".join(text.split())


def test_there_is_a_control_for_each_feature_with_what_the_contract_says_of_it(explain: Page) -> None:
    page = explain.get()
    assert page.status_code == 200
    form = page.text.partition("data-shows-answer")[0]
    names = re.findall(r'<(?:input|select)[^>]* name="([\w-]+)"', form)
    assert [name for name in dict.fromkeys(names) if "-" not in name] == explain.contract.feature_names()
    for spec in explain.contract.features:
        assert spec.meaning in text_from_cell(page)


def test_it_shows_the_services_own_answer_with_every_contribution(explain: Page) -> None:
    answer, shown = explain.answer(), text_from_cell(explain.get())
    assert f"{100 * answer['churn_probability']:.2f} %" in shown
    for reason in answer["top_reasons"]:
        assert reason["plain_language"] in shown
    assert '"prediction_id"' in shown
    assert "What changed" not in shown


def test_a_changed_value_is_answered_and_compared_with_the_start(explain: Page) -> None:
    spec = next(spec for spec in explain.contract.features if spec.kind == "integer")
    shown = text_from_cell(explain.get({spec.name: 50}))
    assert "What changed: from" in shown
    assert f"{spec.example} → 50" in shown


def test_the_banner_is_the_one_the_subscriber_would_see(explain: Page) -> None:
    subscriber = explain.at_risk()
    with ChurnClient(explain.service, budget_s=5) as client:
        retention = client.predict(subscriber, language="de")["retention"]
    assert retention is not None
    page = explain.get(subscriber | {"Accept-Language": "de"})
    banner = page.text.partition('<div class="preview" inert>')[2]
    if retention["headline"]:
        assert retention["headline"] in html.unescape(banner)
        assert 'lang="de"' in banner
    shown = text_from_cell(page)
    for reason in retention["reasons"]:
        assert plain(reason["text"]) in shown
    for out in [*retention["suppressed"], *retention["offers_considered"]]:
        assert out["code"] in shown
    assert retention["policy_version"] in shown


def test_a_held_out_key_sees_nothing_and_the_page_says_why(explain: Page) -> None:
    subscriber = explain.at_risk()
    with ChurnClient(explain.service, budget_s=5) as client:
        key = next(
            key
            for key in map(str, range(1000))
            if (found := client.predict(subscriber, subscriber_key=key)["retention"]) and found["arm"] == "holdout"
        )
    page = explain.get(subscriber | {"X-Subscriber-Key": key})
    assert "this key is in the holdout" in text_from_cell(page)
    assert "data-banner" not in page.text


def test_what_is_wrong_stands_at_its_field_and_in_the_part_for_scripts(explain: Page) -> None:
    spec = next(spec for spec in explain.contract.features if spec.kind == "integer")
    for value, said in ((-7, f"{spec.name} must be at least 0, got -7"), ("", f"{spec.name} is missing")):
        page = explain.get({spec.name: value})
        assert page.status_code == 422
        assert re.search(rf'data-error-of="{spec.name}">{said}', page.text)
        assert re.search(rf'id="field-{spec.name}"[^>]*aria-invalid="true"', page.text)
        part = explain.get({spec.name: value}, PART)
        assert part.status_code == 200
        assert f'<li data-error="{spec.name}">{said}' in part.text


@pytest.mark.parametrize(("name", "value"), [("X-Subscriber-Key", "a b"), ("X-Last-Offer", "yesterday")])
def test_what_is_wrong_beside_the_features_stands_at_its_field_too(explain: Page, name: str, value: str) -> None:
    page = explain.get({name: value})
    assert page.status_code == 422
    assert re.search(rf'data-error-of="{name}">{name} must be', page.text)


def test_the_part_for_scripts_is_the_pages_answer_and_nothing_else(explain: Page) -> None:
    part, page = explain.get(path=PART), explain.get()
    assert "<html" not in part.text
    assert "data-what-if" not in part.text
    assert text_from_cell(part).partition("prediction_id")[0].strip() in text_from_cell(page)


def test_where_the_service_draws_its_lines_is_drawn(explain: Page) -> None:
    assert "banner above 5 %" in text_from_cell(explain.get())


def test_nothing_is_recorded(explain: Page) -> None:
    explain.get(explain.at_risk())
    assert "Nothing yet" in explain.get(path="/team/events").text


def test_hostile_values_stay_text_and_there_is_no_script_or_style_in_the_page(explain: Page) -> None:
    names = [*explain.contract.feature_names(), "X-Subscriber-Key", "X-Last-Offer", "Accept-Language", "unknown"]
    for name in names:
        for path in ("/explain", PART):
            page = explain.get({name: HOSTILE}, path)
            assert page.status_code in {200, 422}
            assert "<script>" not in page.text
            assert not re.search(r"<style|\sstyle=|<script(?! src=)|\sonload=(?!alert\(1\) \{\{)", page.text)
            assert not re.search(r"<[^>]*\sonload=[^>]*>", re.sub(r'"[^"]*"', "", page.text))


@pytest.mark.parametrize("phrase", sorted((UNAVAILABLE | NONSENSE | REFUSING).keys() - SLOW))
def test_without_a_service_that_makes_sense_the_page_says_so(phrase: str, tmp_path: Path) -> None:
    with (UNAVAILABLE | NONSENSE | REFUSING)[phrase]() as address, Portal(tmp_path, address) as portal:
        for path in ("/explain", PART):
            page = portal.team_visitor().get(path)
            assert page.status_code == (503 if path == "/explain" else 200)
            assert "No answer from the service" in page.text
            assert "What to do" in page.text


def test_there_are_words_for_whatever_the_service_may_say() -> None:
    assert set(WHY_NOT_SHOWN) == set(get_args(WhyNotShown.__value__))
    assert set(WHY_NOT_OFFERED) == set(get_args(WhyNotOffered.__value__))
    assert set(ARMS) == set(get_args(Arm.__value__))
