"""(e) MLflow's own scoring server: a pyfunc that answers with pred_contribs and reasons.

MLflow reads this file as the model's code; run as a program, it saves such a model: `... mlflow_serve TREES FOLDER`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import save_model
from mlflow.pyfunc.model import PythonModel

from benchmarks.systems.pred_contribs import explain, load_booster
from benchmarks.systems.wire import Subscriber


class Churn(PythonModel):
    """Answer each row of a frame."""

    def load_context(self, context: Any) -> None:
        """Load the trees once per worker."""
        self.booster = load_booster(context.artifacts["trees"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[dict[str, Any]]:  # noqa: ARG002
        """Explain each subscriber."""
        subscribers = (Subscriber.model_validate(row) for row in model_input.to_dict("records"))
        return [explain(self.booster, subscriber).model_dump() for subscriber in subscribers]


def save(trees: Path, folder: Path) -> None:
    """Write the MLflow model that `mlflow models serve` is given."""
    save_model(
        folder, python_model=__file__, artifacts={"trees": str(trees)}, pip_requirements=["xgboost-cpu", "pandas"]
    )


if __name__ == "__main__":
    save(Path(sys.argv[1]), Path(sys.argv[2]))
else:
    set_model(Churn())
