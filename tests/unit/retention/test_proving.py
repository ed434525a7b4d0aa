"""What a bundle's banner shows is true, and the proof notices where it is not."""

from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pytest

from churn.answers import CustomerReason, Retention
from churn.contract.declaration import Contract, Rows
from churn.contract.language import list_language_codes
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel, Prediction
from churn.retention.banner import Visitor, build_banner
from churn.retention.offers.policy import Policy, find_default_policy, load_policy
from churn.retention.proving import BuildBanner, Proof, draw_batches, prove

TODAY = date(2026, 11, 23)


def build_careless_banner(
    model: ChurnModel, policy: Policy, subscriber: Contract, prediction: Prediction, visitor: Visitor, *, today: date
) -> Retention:
    """Show every feature that raises the risk, verified or not."""
    banner = build_banner(model, policy, subscriber, prediction, visitor, today=today)
    values = ((spec, getattr(subscriber, spec.name)) for spec in subscriber.features)
    banner["reasons"] = [
        CustomerReason(
            code=spec.code_from_value(value),
            group=spec.group,
            actionable=spec.marker.actionable,
            text=spec.word_for_subscriber(value, "increases_risk", visitor.language),
        )
        for (spec, value), contribution in zip(values, prediction.contributions, strict=True)
        if contribution > 0
    ]
    return banner


def build_banner_of_another_value(
    model: ChurnModel, policy: Policy, subscriber: Contract, prediction: Prediction, visitor: Visitor, *, today: date
) -> Retention:
    """Give each reason the code of its feature's first band."""
    banner = build_banner(model, policy, subscriber, prediction, visitor, today=today)
    bands = {spec.name: spec.bands for spec in subscriber.features}
    for reason in banner["reasons"]:
        name = reason["code"].partition(".")[0]
        reason["code"] = f"{name}.{bands[name][0].name}"
    return banner


def proof_of(bundle: Bundle, *, rows: int = 3000, threshold: float = -1.0, build: BuildBanner = build_banner) -> Proof:
    """Of a banner for everybody, unless the test says otherwise."""
    contract = bundle.model.contract
    policy = load_policy(find_default_policy(contract), contract, languages=list_language_codes())
    return prove(bundle, policy, draw_batches(contract, rows), threshold=threshold, today=TODAY, build=build)


@pytest.mark.parametrize("name", ["streamflow", "telco"])
def test_whatever_a_banner_shows_is_true(bundles: dict[str, Bundle], name: str) -> None:
    proof = proof_of(bundles[name])
    assert proof.first == {}
    assert (proof.rows, proof.banners) == (3000, 3000)
    assert sum(proof.codes.values()) == sum(count * banners for count, banners in proof.shown.items()) > 1000
    assert {"not_verified", "same_group"} <= set(proof.suppressed)
    assert proof.with_reasons == proof.banners - proof.shown[0]


def test_a_banner_whose_reasons_undo_it_together_is_counted(bundles: dict[str, Bundle]) -> None:
    proof = proof_of(bundles["streamflow"], threshold=0.6)
    assert 0 < proof.undone < proof.with_reasons
    everybody = proof_of(bundles["streamflow"], threshold=-1.0, rows=300)
    assert everybody.with_reasons > everybody.undone == 0  # no probability is below 0


def test_only_those_above_the_threshold_are_shown_a_banner(bundles: dict[str, Bundle]) -> None:
    proof = proof_of(bundles["streamflow"], rows=300, threshold=0.6)
    assert proof.first == {}
    assert 0 < proof.banners < proof.rows == 300


def test_a_model_that_explains_the_wrong_way_round_is_found_out(bundles: dict[str, Bundle]) -> None:
    honest = bundles["streamflow"]

    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        return -honest.model.explain(rows)

    proof = proof_of(replace(honest, model=replace(honest.model, explain=explain)), rows=300)
    assert {"a shown reason raises the risk", "without a shown reason the probability falls by a point"} <= set(
        proof.first
    )


def test_reasons_that_are_chosen_carelessly_are_found_out(bundles: dict[str, Bundle]) -> None:
    assert {
        "without a shown reason the probability falls by a point",
        "no protected field is shown",
        "no group is repeated",
        "no more than three reasons are shown",
    } <= set(proof_of(bundles["telco"], rows=500, build=build_careless_banner).first)


def test_a_text_that_is_not_that_of_the_value_is_found_out(bundles: dict[str, Bundle]) -> None:
    proof = proof_of(bundles["streamflow"], rows=300, build=build_banner_of_another_value)
    assert "code and text are those of the value" in proof.first
