"""Each gate holds at its margin and fails just past it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.examples import STREAMFLOW

from churn.training.evaluation import Evaluation, evaluate
from churn.training.gates import check_release_gates


def measured(auc: float, log_loss: float, calibration_error: float) -> Evaluation:
    any_other = evaluate(np.array([0, 1]), np.array([0.1, 0.9]), seed=0)
    return replace(any_other, auc=auc, log_loss=log_loss, expected_calibration_error=calibration_error)


CHAMPION = measured(auc=0.88, log_loss=0.42, calibration_error=0.01)


def failed(**changes: Any) -> list[str]:
    """The names of the gates that a model like the champion, but for these changes, does not pass."""
    protected_share = changes.pop("protected_share", 0.0)
    known: dict[str, Any] = {
        "fingerprint": STREAMFLOW.fingerprint,
        "candidate": CHAMPION,
        "champion": CHAMPION,
        "contribution_shares": dict.fromkeys(STREAMFLOW.feature_names(), 0.1) | {"senior_citizen": protected_share},
    }
    return [gate.name for gate in check_release_gates(STREAMFLOW, **(known | changes)) if not gate.passed]


def test_a_model_like_the_champion_passes() -> None:
    assert failed() == []


@pytest.mark.parametrize(
    ("candidate", "names"),
    [
        (measured(auc=0.8751, log_loss=0.42, calibration_error=0.01), []),
        (measured(auc=0.8749, log_loss=0.42, calibration_error=0.01), ["auc"]),
        (measured(auc=0.88, log_loss=0.4299, calibration_error=0.01), []),
        (measured(auc=0.88, log_loss=0.4301, calibration_error=0.01), ["log loss"]),
        (measured(auc=0.88, log_loss=0.42, calibration_error=0.03), []),
        (measured(auc=0.88, log_loss=0.42, calibration_error=0.0301), ["calibration"]),
    ],
)
def test_worse_figures_pass_only_within_their_margin(candidate: Evaluation, names: list[str]) -> None:
    assert failed(candidate=candidate) == names


def test_without_a_champion_any_auc_passes() -> None:
    assert failed(candidate=measured(0.5, 0.7, 0.01), champion=None) == []


@pytest.mark.parametrize("fingerprint", [None, "0" * 64])
def test_a_model_of_another_contract_or_of_none_fails(fingerprint: str | None) -> None:
    assert failed(fingerprint=fingerprint) == ["contract"]


def test_a_protected_field_may_not_drive_the_model() -> None:
    assert failed(protected_share=0.05) == []
    assert failed(protected_share=0.0501) == ["protected fields"]


def test_a_measure_that_is_not_a_number_never_passes() -> None:
    nothing = float("nan")
    assert failed(candidate=measured(nothing, nothing, nothing)) == ["auc", "log loss", "calibration"]
