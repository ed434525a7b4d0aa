"""Each gate holds at its margin and fails just past it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.examples import STREAMFLOW

from churn.contract.sampling import draw_columns
from churn.errors import ContractError
from churn.training.comparison import Comparison, Difference, compare
from churn.training.evaluation import Evaluation, evaluate, rank_features
from churn.training.gates import Gate, check_release_gates
from churn.training.methods.catalogue import XGBOOST
from churn.training.methods.method import Recipe
from churn.training.protected import price_protected

# Of rows so many that chance makes no calibration error that matters.
ANY_OTHER = evaluate(np.arange(4000) % 2, np.linspace(0.01, 0.99, 4000), seed=0)


def measured(auc: float, log_loss: float, calibration_error: float) -> Evaluation:
    return replace(ANY_OTHER, auc=auc, log_loss=log_loss, expected_calibration_error=calibration_error)


CHAMPION = measured(auc=0.88, log_loss=0.42, calibration_error=0.01)


def compared(auc: tuple[float, float] = (0.0, 0.001), log_loss: tuple[float, float] = (0.0, 0.001)) -> Comparison:
    """A comparison with these differences and standard errors."""
    return Comparison(1000, 400, 1000, True, CHAMPION, CHAMPION, Difference(*auc), Difference(*log_loss))  # noqa: FBT003


def failed(**changes: Any) -> list[str]:
    """The names of the gates that a model like the champion, but for these changes, does not pass."""
    return [gate.name for gate in gates_of(**changes) if not gate.passed]


def gates_of(**changes: Any) -> list[Gate]:
    protected_share = changes.pop("protected_share", 0.0)
    known: dict[str, Any] = {
        "fingerprint": STREAMFLOW.fingerprint,
        "candidate": CHAMPION,
        "champion": CHAMPION,
        "contribution_shares": dict.fromkeys(STREAMFLOW.feature_names(), 0.1) | {"senior_citizen": protected_share},
    }
    return check_release_gates(changes.pop("contract", STREAMFLOW), **(known | changes))


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


@pytest.mark.parametrize(
    ("comparison", "names"),
    [
        (compared(auc=(-0.0033, 0.001)), []),
        (compared(auc=(-0.0034, 0.001)), ["auc"]),
        (compared(auc=(0.02, 0.02)), ["auc"]),  # better, as it seems, but nobody can tell
        (compared(log_loss=(0.0083, 0.001)), []),
        (compared(log_loss=(0.0084, 0.001)), ["log loss"]),
        (compared(auc=(float("nan"), float("nan"))), ["auc"]),
    ],
)
def test_a_difference_passes_if_it_is_surely_within_its_margin(comparison: Comparison, names: list[str]) -> None:
    assert failed(comparison=comparison) == names


def test_what_so_few_rows_cannot_decide_is_said_with_the_way_out() -> None:
    for auc, undecided in (((-0.003, 0.01), True), ((-0.03, 0.001), False)):
        [gate] = [gate for gate in gates_of(comparison=compared(auc=auc)) if gate.name == "auc"]
        assert (gate.passed, gate.undecided) == (False, undecided)
        assert ("cannot decide" in gate.reason) == undecided
        assert ("--holdout FILE, or promote it with --force" in gate.reason) == undecided


def test_the_rows_of_the_comparison_are_counted_and_too_few_are_refused() -> None:
    labels = np.arange(1000) % 2
    scores = np.linspace(0.1, 0.9, 1000)
    [said] = [gate for gate in gates_of(comparison=compare(labels, scores, scores, None)) if gate.name == "comparison"]
    assert said.passed
    assert "on 1,000 rows; whether the champion was trained on some of them, which flatters it, is not" in said.reason
    [said] = [g for g in gates_of(comparison=compare(labels, scores, scores, labels >= 0)) if g.name == "comparison"]
    assert said.reason == "on 1,000 of the 1,000 rows of the holdout, on which the champion was not trained"
    few = compare(labels, scores, scores, np.arange(1000) < 40)
    assert failed(comparison=few) == ["comparison"]
    assert (
        "40 of the 1,000 rows of the holdout, 20 of the rarer label, and at least 30"
        in gates_of(comparison=few)[1].reason
    )


def test_a_version_at_the_margin_passes_in_at_most_a_twentieth_of_draws() -> None:
    generator, passed, draws = np.random.default_rng(0), 0, 400
    for _ in range(draws):
        # Of rows with a difference of exactly the margin; the mean and its error are made without our code.
        rows = generator.normal(-0.005, 0.2, 1500)
        auc = (float(rows.mean()), float(rows.std(ddof=1) / 1500**0.5))
        passed += not failed(comparison=compared(auc=auc))
    assert passed / draws < 0.08  # 5 %, and three standard errors of this count


def test_without_a_champion_any_auc_passes() -> None:
    assert failed(candidate=measured(0.5, 0.7, 0.01), champion=None) == []


@pytest.mark.parametrize("fingerprint", [None, "0" * 64])
def test_a_model_of_another_contract_or_of_none_fails(fingerprint: str | None) -> None:
    assert failed(fingerprint=fingerprint) == ["contract"]


class Stated(STREAMFLOW):  # type: ignore[misc, valid-type] # found by its name
    """The same contract, which says within how many days somebody leaves."""

    contract_name = "stated"
    horizon_days = 60


@pytest.mark.parametrize(("horizon", "names"), [("60", []), (None, []), ("30", ["contract"])])
def test_a_version_whose_label_has_another_horizon_fails(horizon: str | None, names: list[str]) -> None:
    assert failed(horizon=horizon, contract=Stated) == names


@pytest.mark.parametrize("days", [0, -1, 3661])
def test_a_horizon_that_is_none_is_refused(days: int) -> None:
    with pytest.raises(ContractError, match="the horizon is"):
        type("Strange", (STREAMFLOW,), {"horizon_days": days, "__module__": __name__})


def test_a_protected_field_may_not_drive_the_model() -> None:
    assert failed(protected_share=0.05) == []
    assert failed(protected_share=0.0501) == ["protected fields"]


def test_a_protected_field_that_carries_too_much_is_told_with_what_can_be_done() -> None:
    [gate] = [gate for gate in gates_of(protected_share=0.2) if gate.name == "protected fields"]
    assert "Leave senior_citizen out of the contract: what that costs is not known" in gate.reason
    assert "Or keep it, and record why with --force --reason TEXT" in gate.reason
    costs = {"senior_citizen": Difference(0.012, 0.001)}
    [gate] = [gate for gate in gates_of(protected_share=0.2, protected_costs=costs) if gate.name == "protected fields"]
    assert "that costs +0.0120 of AUC (+0.0104 to +0.0136)" in gate.reason


def test_what_a_protected_field_is_worth_is_measured_without_it() -> None:
    generator = np.random.default_rng(0)
    rows = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, generator, 400))
    at = STREAMFLOW.feature_names().index("senior_citizen")
    labels = (generator.random(400) < 0.2 + 0.6 * rows[:, at]).astype(np.int8)
    recipe = Recipe(XGBOOST, {"trees": 10, "max_depth": 2}, 0)
    train, holdout = np.arange(300), np.arange(300, 400)
    model = recipe.fit(STREAMFLOW, rows[train], labels[train])
    strengths = rank_features(STREAMFLOW, model, rows[holdout])
    parts: dict[str, Any] = {"train": train, "holdout": holdout, "recipe": recipe}
    costs = price_protected(STREAMFLOW, model, rows, labels, **parts, strengths=strengths)
    assert costs["senior_citizen"].value > 0.1
    nothing = dict.fromkeys(strengths, 1.0) | {"senior_citizen": 0.0}
    assert price_protected(STREAMFLOW, model, rows, labels, **parts, strengths=nothing) == {}


def test_so_few_rows_that_chance_hides_a_bad_model_cannot_decide() -> None:
    few = evaluate(np.arange(60) % 2, np.linspace(0.3, 0.7, 60), seed=0)
    [gate] = [gate for gate in gates_of(candidate=few) if gate.name == "calibration"]
    assert (gate.passed, gate.undecided) == (False, True)
    assert "which a perfect model stays below in 99 % of draws of 60 rows; measure it on more rows" in gate.reason


def test_a_measure_that_is_not_a_number_never_passes() -> None:
    nothing = float("nan")
    assert failed(candidate=measured(nothing, nothing, nothing)) == ["auc", "log loss", "calibration"]
