"""A banner is in one language as a whole."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, POLICY, policy_of

from churn.answers import Retention
from churn.contract.language import Language, find_language
from churn.model.bundle import Bundle
from churn.retention.banner import Visitor, build_banner
from churn.retention.offers.policy import Policy, load_policy

GERMAN = find_language("de")


@pytest.fixture
def bundle(bundles: dict[str, Bundle]) -> Bundle:
    return bundles["streamflow"]


def build(bundle: Bundle, policy: Policy, language: Language) -> Retention:
    subscriber = STREAMFLOW.model_validate(STREAMFLOW.example())
    [prediction] = bundle.model.predict([subscriber])
    visitor = Visitor(language=language)
    banner = build_banner(bundle.model, policy, subscriber, prediction, visitor, today=date(2026, 11, 29))
    assert banner["reasons"]
    return banner


def test_one_missing_message_makes_the_whole_banner_english(tmp_path: Path, bundle: Bundle) -> None:
    policy = policy_of(tmp_path)
    german, english = build(bundle, policy, GERMAN), build(bundle, policy, find_language("en"))
    assert (german["language"], english["language"]) == ("de", "en")
    assert german["headline"] != english["headline"]
    spec = next(spec for spec in STREAMFLOW.features if spec.name == german["reasons"][-1]["code"].partition(".")[0])
    incomplete = replace(GERMAN, lacks=frozenset({spec.find_band(spec.example).raises}))
    assert build(bundle, policy, incomplete) == english
    assert build(bundle, policy, replace(GERMAN, lacks=frozenset({"another message"}))) == german


def test_a_policy_in_english_alone_answers_everybody_in_english(tmp_path: Path, bundle: Bundle) -> None:
    text = POLICY.read_text(encoding="utf-8").replace('["en", "de"]', '["en"]')
    path = tmp_path / "english.toml"
    path.write_text(re.sub(r"(?m)^[a-z_]+\.de = (\[\n(    .*\n)+\]|.*)\n", "", text), encoding="utf-8")
    policy = load_policy(path, STREAMFLOW, languages=LANGUAGES)
    assert build(bundle, policy, GERMAN)["language"] == "en"
