"""What the holdout looked like at training time, kept beside the model so that drift can be seen later."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract import Contract, FeatureSpec, Rows

QUANTILE_BINS = 10
PROBABILITY_BINS = 20


def reference_distributions(
    contract: type[Contract], rows: Rows, probabilities: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """Counts per bin of every feature and of the score.

    Args:
        contract: what the columns of rows mean.
        rows: float32 (n, features), encoded.
        probabilities: float64 (n,), what the model says of them.

    Returns:
        JSON-ready. Numbers are counted between their own deciles (`edges`, outer bins open), categories and
        booleans by value, the score in twenty equal bins over 0..1.
    """
    score, edges = np.histogram(probabilities, bins=PROBABILITY_BINS, range=(0.0, 1.0))
    return {
        "rows": len(rows),
        "features": {
            spec.name: _distribution(spec, column) for spec, column in zip(contract.features, rows.T, strict=True)
        },
        "probability": {"edges": edges.tolist(), "counts": score.tolist()},
    }


def _distribution(spec: FeatureSpec, column: npt.NDArray[np.float32]) -> dict[str, Any]:
    if spec.kind in {"category", "boolean"}:
        labels = spec.categories or ("false", "true")
        counts = np.bincount(column.astype(np.int64), minlength=len(labels))
        return {"kind": spec.kind, "values": list(labels), "counts": counts.tolist()}
    edges = np.unique(np.quantile(column, np.linspace(0, 1, QUANTILE_BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, column, side="right"), minlength=len(edges) + 1)
    return {"kind": spec.kind, "edges": edges.tolist(), "counts": counts.tolist()}
