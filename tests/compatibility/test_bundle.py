"""A bundle of an earlier version answers as it did then."""

from collections.abc import Iterator

import numpy as np
import pytest
from support.earlier import EARLIER, FORMAT_4, THRESHOLD, earlier_json
from support.in_process import InProcess

from churn.contract.language import list_language_codes
from churn.explain.arrays import file_name
from churn.explain.tables import compile_tables
from churn.explain.xgb import XgboostModel, load_booster
from churn.model.bundle import load_bundle
from churn.model.manifest import MODEL
from churn.retention.offers.policy import load_policy
from churn.service.app import create_app
from churn.settings import Settings

BUNDLES = EARLIER / "bundles" / "streamflow"
VERSIONS = ("v0.0.1", "v0.0.2")


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, InProcess]]:
    """A service of each bundle, with the policy and the threshold of then."""
    policy = EARLIER / "policy.toml"
    settings = Settings(churn_threshold=THRESHOLD, offer_policy=policy, prediction_log="off")
    made = {version: InProcess(create_app(settings, bundle=load_bundle(BUNDLES / version))) for version in VERSIONS}
    yield made
    for service in made.values():
        service.__exit__()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bundle_loads_and_its_golden_rows_come_out_as_at_export(version: str) -> None:
    bundle = load_bundle(BUNDLES / version)
    assert (bundle.manifest.model_version, bundle.manifest.bundle_format) == (version, 3)
    assert (bundle.manifest.contract, bundle.manifest.explainer) == ("streamflow", "tables")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_model_of_a_bundle_compiles_to_the_bytes_that_it_compiled_to_then(version: str) -> None:
    tables = compile_tables(XgboostModel(load_booster(BUNDLES / version / MODEL)).read_ensemble())
    for name, array in tables.arrays().items():
        assert array.tobytes() == np.load(BUNDLES / version / file_name(name)).tobytes(), name


def test_the_link_to_the_champion_leads_to_its_bundle() -> None:
    assert load_bundle(BUNDLES / "champion").manifest.model_version == "v0.0.1"


def test_a_known_subscriber_has_the_known_probability_to_the_bit() -> None:
    model = load_bundle(BUNDLES / "v0.0.1").model
    [prediction] = model.predict([model.contract.model_validate(earlier_json("answers.json")[1]["subscriber"])])
    assert (prediction.probability, prediction.base_value.hex()) == (0.7377, "-0x1.1fbce87d08571p-3")


def test_a_bundle_of_format_4_adjusts_offers_as_it_did_then_to_the_bit() -> None:
    model = load_bundle(FORMAT_4 / "bundles" / "streamflow" / "v0.1.0").model
    assert model.uplift
    row = model.contract.model_validate(model.contract.example()).encode()
    alone, yearly = (model.uplift.find_adjustment(row, code) for code in ("banner alone", "yearly-20"))
    assert (alone.points, yearly.points) == (0.0119, 0.0497)
    assert yearly.contributions[1].hex() == "0x1.d69fec0000000p-6"


@pytest.mark.parametrize("number", range(30))
def test_each_request_is_answered_as_it_was_then(services: dict[str, InProcess], number: int) -> None:
    asked = earlier_json("answers.json")[number]
    answer = services[asked["answer"]["model_version"]].predict(asked["subscriber"], headers=asked["headers"]).json()
    assert answer.pop("prediction_id")
    asked["answer"].pop("prediction_id")
    if offer := (answer["retention"] or {}).get("offer"):
        assert offer.pop("currency") == "USD"  # which came later
    if answer["retention"]:
        assert answer["retention"].pop("decided_by") in {"risk", None}  # so did this
    assert answer == asked["answer"]


def test_the_policy_holds_the_offers_that_it_held() -> None:
    contract = load_bundle(BUNDLES / "v0.0.1").model.contract
    policy = load_policy(EARLIER / "policy.toml", contract, languages=list_language_codes())
    assert (policy.version, policy.holdout.share, policy.cooldown_days) == ("streamflow-2026-11", 0.3, 180)
    assert [terms.code for terms in policy.terms] == [
        *("yearly-20", "loyalty-15", "welcome-5", "priority-support", "streaming-3-months", "autopay-3")
    ]
