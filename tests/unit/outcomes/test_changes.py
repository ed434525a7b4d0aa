"""What would have changed a prediction is computed by the bundle that answered, or is not known."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from support.examples import STREAMFLOW

from churn.cli.about_you import describe_change
from churn.contract.declaration import Rows
from churn.errors import BundleError
from churn.model.model import ChurnModel
from churn.outcomes.changes import find_change

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


def test_a_prediction_that_nothing_raised_says_so() -> None:
    bundle: Any = SimpleNamespace(model=ChurnModel(STREAMFLOW, explain, "v1", REFERENCE))
    calm = record(reason_features=["monthly_charges"])
    assert describe_change(calm, find_change(calm, lambda _: bundle)) == "None of its reasons raised it."


def test_without_the_bundle_that_answered_it_is_not_known() -> None:
    def lack(_: object) -> Any:
        raise BundleError("no bundle here is the one that answered", instead="look for it")

    change = find_change(record(), lack)
    assert change.probability is None
    assert describe_change(record(), change) == "Not known: no bundle here is the one that answered."
