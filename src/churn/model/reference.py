"""What the holdout looked like at training time, kept with the model: to see drift later, and to verify reasons."""

from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract, FeatureSpec, Rows
from churn.contract.phrases import Value
from churn.judging.metrics import PROBABILITY_BINS

QUANTILE_BINS = 10


def measure_reference(contract: type[Contract], rows: Rows, probabilities: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Count every feature and the score in bins, ready for JSON.

    Numbers are counted between their own deciles (`edges`, outer bins open), categories and booleans by value, the
    score in twenty equal bins over 0..1.
    """
    score, edges = np.histogram(probabilities, bins=PROBABILITY_BINS, range=(0.0, 1.0))
    return {
        "rows": len(rows),
        "features": {
            spec.name: _count_distribution(spec, column) for spec, column in zip(contract.features, rows.T, strict=True)
        },
        "probability": {"edges": edges.tolist(), "counts": score.tolist()},
    }


def find_reference_values(
    contract: type[Contract], rows: Rows, contributions: npt.NDArray[np.float32]
) -> dict[str, Value]:
    """Find what each feature typically is where it speaks for staying. Moved there, a reason to leave should go away.

    That is its middle value, or most frequent category, among the rows with a negative contribution of it; among all
    rows if there is none. A middle value is one that occurs.

    Args:
        rows: float32 (n, features), encoded; n >= 1.
        contributions: float32 (n, features), in log-odds.
    """
    return {
        spec.name: spec.decode(_find_typical(spec, column[parts < 0] if (parts < 0).any() else column))
        for spec, column, parts in zip(contract.features, rows.T, contributions.T, strict=True)
    }


def _find_typical(spec: FeatureSpec, column: npt.NDArray[np.float32]) -> float:
    if spec.kind in {"category", "boolean"}:
        return float(np.bincount(column.astype(np.int64)).argmax())
    # By way of the shortest digits that give the same float32, so that 70.13 is not written 70.12999725341797.
    return float(str(np.quantile(column, 0.5, method="lower")))


def _count_distribution(spec: FeatureSpec, column: npt.NDArray[np.float32]) -> dict[str, Any]:
    if spec.kind in {"category", "boolean"}:
        labels = spec.categories or ("false", "true")
        counts = np.bincount(column.astype(np.int64), minlength=len(labels))
        return {"kind": spec.kind, "values": list(labels), "counts": counts.tolist()}
    edges = np.unique(np.quantile(column, np.linspace(0, 1, QUANTILE_BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, column, side="right"), minlength=len(edges) + 1)
    return {"kind": spec.kind, "edges": edges.tolist(), "counts": counts.tolist()}
