"""What a bundle's banner shows is true, and the proof notices where it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import churn.retention.reasons
from churn.contract.declaration import FeatureSpec, Rows
from churn.contract.language import list_language_codes
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel, Prediction
from churn.retention.offers.policy import find_default_policy, load_policy
from churn.retention.proving import Proof, prove

TODAY = date(2026, 11, 23)


def always(_model: ChurnModel, _prediction: Prediction, features: Sequence[int]) -> dict[int, bool]:
    return dict.fromkeys(features, True)


def everything(raising: Sequence[tuple[int, FeatureSpec]], holds: Mapping[int, bool]) -> list[int]:
    return [at for at, _ in raising if holds.get(at, True)]


def proof_of(bundle: Bundle, *, rows: int = 3000, threshold: float = -1.0) -> Proof:
    """Of a banner for everybody, unless the test says otherwise."""
    contract = bundle.model.contract
    policy = load_policy(find_default_policy(contract), contract, languages=list_language_codes())
    return prove(bundle, policy, rows=rows, threshold=threshold, today=TODAY)


@pytest.mark.parametrize("name", ["streamflow", "telco"])
def test_whatever_a_banner_shows_is_true(bundles: dict[str, Bundle], name: str) -> None:
    proof = proof_of(bundles[name])
    assert proof.first == {}
    assert (proof.rows, proof.banners) == (3000, 3000)
    assert sum(proof.codes.values()) == sum(count * banners for count, banners in proof.shown.items()) > 1000
    assert {"not_verified", "same_group"} <= set(proof.suppressed)


def test_only_those_above_the_threshold_are_shown_a_banner(bundles: dict[str, Bundle]) -> None:
    proof = proof_of(bundles["streamflow"], rows=300, threshold=0.6)
    assert proof.first == {}
    assert 0 < proof.banners < proof.rows == 300


def test_a_model_that_explains_the_wrong_way_round_is_found_out(bundles: dict[str, Bundle]) -> None:
    honest = bundles["streamflow"]

    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        return -honest.model.explain(rows)

    proof = proof_of(replace(honest, model=replace(honest.model, explain=explain)), rows=300)
    assert {"a shown reason raises the risk", "without a shown reason the probability falls"} <= set(proof.first)


@pytest.mark.parametrize(
    ("function", "instead", "law"),
    [
        ("verified", always, "without a shown reason the probability falls"),
        ("_strongest", everything, "no protected field is shown"),
        ("_strongest", everything, "no group is repeated"),
        ("_strongest", everything, "no more than three reasons are shown"),
    ],
)
def test_reasons_that_are_chosen_carelessly_are_found_out(
    bundles: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch, function: str, instead: Any, law: str
) -> None:
    """The code is broken on purpose, so that the proof is known to notice."""
    monkeypatch.setattr(churn.retention.reasons, function, instead)
    assert law in proof_of(bundles["telco"], rows=500).first


def test_a_text_that_is_not_that_of_the_value_is_found_out(
    bundles: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = type(bundles["streamflow"].model.contract.features[0])
    monkeypatch.setattr(spec, "code_from_value", lambda self, _: f"{self.name}.{self.bands[0].name}")
    assert "code and text are those of the value" in proof_of(bundles["streamflow"], rows=300).first
