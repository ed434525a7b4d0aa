"""What would have changed a prediction is computed by the bundle that answered, or is not known."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from support.examples import STREAMFLOW

from churn.contract.declaration import Rows
from churn.errors import BundleError
from churn.model.model import ChurnModel
from churn.outcomes.changes import describe_change, find_change

VALUES = STREAMFLOW.model_validate(STREAMFLOW.example()).encode()
REFERENCE = (60.0, *VALUES[1:3], 2.0, *VALUES[4:])
NAMES = STREAMFLOW.feature_names()


def explain(rows: Rows) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A short tenure and a contract by the month raise it, each only beside the other."""
    explained = np.zeros((len(rows), len(NAMES) + 1), dtype=np.float32)
    explained[:, 0] = np.where((rows[:, 0] < 24) & (rows[:, 3] == 0), 2.0, -1.0)
    return explained


def record(**others: object) -> dict[str, Any]:
    model = ChurnModel(STREAMFLOW, explain, "v1", REFERENCE)
    [prediction] = model.predict_encoded([VALUES])
    return {
        "probability": prediction.probability,
        "threshold": 0.6,
        "banner": True,
        "reason_features": ["tenure", "contract_type", "monthly_charges"],
        "shown_reasons": ["tenure.short", "contract_type.month-to-month"],
        **{f"feature_{name}": value for name, value in zip(NAMES, VALUES, strict=True)},
        **dict.fromkeys((f"contribution_{name}" for name in NAMES), 0.0),
        "contribution_tenure": 1.0,
        "contribution_contract_type": 1.0,
        "contribution_monthly_charges": -1.0,
        **others,
    }


def test_the_reasons_that_raised_it_are_moved_together() -> None:
    bundle: Any = SimpleNamespace(model=ChurnModel(STREAMFLOW, explain, "v1", REFERENCE))
    change = find_change(record(), lambda _: bundle)
    assert [(moved.feature, moved.was, moved.instead) for moved in change.moved] == [
        ("tenure", 14, 60),
        ("contract_type", "month-to-month", "two-year"),
    ]
    assert change.probability == 0.2689
    assert describe_change(record(), change) == (
        "With “A long history of 60 months” in place of “A short history of 14 months”; “A two-year contract” in place "
        "of “A month-to-month contract” it would have been 26.9% in place of 88.1%, and there would have been no "
        "banner."
    )


def test_what_the_banner_showed_is_moved_by_itself_and_the_page_tells_what_had_become_of_the_banner() -> None:
    bundle: Any = SimpleNamespace(model=ChurnModel(STREAMFLOW, explain, "v1", REFERENCE))
    only_payment = record(shown_reasons=["payment_method.electronic-check"])
    change = find_change(only_payment, lambda _: bundle)
    assert [moved.feature for moved in change.shown] == ["payment_method"]
    assert change.probability_without_shown == only_payment["probability"] == 0.8808
    assert describe_change(only_payment, change).endswith(
        " With only what the banner spoke of otherwise, “Paying by electronic check” in place of “Paying by electronic "
        "check”, it would have been 88.1%, and there would still have been a banner."
    )
    only_tenure = record(shown_reasons=["tenure.short"])
    change = find_change(only_tenure, lambda _: bundle)
    assert change.probability_without_shown == 0.2689
    assert describe_change(only_tenure, change).endswith(
        "it would have been 26.9%, and there would have been no banner."
    )


def test_the_values_of_a_concept_move_together() -> None:
    reference = (60.0, VALUES[1], 3000.0, *REFERENCE[3:])
    bundle: Any = SimpleNamespace(model=ChurnModel(STREAMFLOW, explain, "v1", reference))
    change = find_change(record(reason_features=["tenure"], shown_reasons=[], banner=False), lambda _: bundle)
    assert [(moved.feature, moved.instead) for moved in change.moved] == [("tenure", 60), ("total_charges", 3000.0)]
    assert (change.shown, change.probability_without_shown) == ([], None)


def test_a_prediction_that_nothing_raised_says_so() -> None:
    bundle: Any = SimpleNamespace(model=ChurnModel(STREAMFLOW, explain, "v1", REFERENCE))
    calm = record(reason_features=["monthly_charges"], shown_reasons=[])
    assert describe_change(calm, find_change(calm, lambda _: bundle)) == "None of its reasons raised it."


def test_without_the_bundle_that_answered_it_is_not_known() -> None:
    def lack(_: object) -> Any:
        raise BundleError("no bundle here is the one that answered", instead="look for it")

    change = find_change(record(), lack)
    assert change.probability is None
    assert describe_change(record(), change) == "Not known: no bundle here is the one that answered."
