"""What the holdout looked like at training time, kept with the model: to see drift later, and to verify reasons."""

from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract, Rows
from churn.contract.features import FeatureSpec
from churn.contract.phrases import Value
from churn.judging.metrics import PROBABILITY_BINS

QUANTILE_BINS = 10


def measure_reference(contract: type[Contract], rows: Rows, probabilities: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Count every feature and the score in bins, ready for JSON.

    Numbers are counted between their own deciles (`edges`, outer bins open), categories and booleans by value, the
    score in twenty equal bins over 0..1. Values that are not known are counted apart (`unknown`), where there may be
    some.
    """
    score, edges = np.histogram(probabilities, bins=PROBABILITY_BINS, range=(0.0, 1.0))
    return {
        "rows": len(rows),
        "features": {
            spec.name: _count_distribution(spec, column) for spec, column in zip(contract.features, rows.T, strict=True)
        },
        "probability": {"edges": edges.tolist(), "counts": score.tolist()},
    }


def require_reference(contract: type[Contract], content: Any) -> dict[str, Any]:
    """Return what `measure_reference` made, after it was kept by others. Raise ValueError if it is something else."""
    if not isinstance(content, dict) or set(content) != {"rows", "features", "probability"}:
        raise ValueError("it is no reference of rows, features and probability")
    rows, features, score = content["rows"], content["features"], content["probability"]
    if not isinstance(rows, int) or list(features) != contract.feature_names():
        raise ValueError(f"it is not of the features of the contract {contract.contract_name}")
    _require_counts("probability", score["counts"], PROBABILITY_BINS, rows)
    if score["edges"] != np.histogram_bin_edges([], PROBABILITY_BINS, (0.0, 1.0)).tolist():
        raise ValueError("its probabilities are counted in other bins")
    for spec in contract.features:
        kept = features[spec.name]
        if kept["kind"] != spec.kind:
            raise ValueError(f"its {spec.name} is a {kept['kind']}, the contract's a {spec.kind}")
        if spec.kind in {"category", "boolean"}:
            bins = len(_list_labels(spec))
            if kept["values"] != list(_list_labels(spec)):
                raise ValueError(f"its {spec.name} has other values than the contract's")
        else:
            edges = np.array(kept["edges"], dtype=np.float64)
            bins = len(edges) + 1
            if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
                raise ValueError(f"the edges of its {spec.name} do not rise")
        unknown = [kept["unknown"]] if spec.is_nullable else []
        _require_counts(spec.name, [*kept["counts"], *unknown], bins + len(unknown), rows)
    return content


def _require_counts(name: str, counts: Any, bins: int, rows: int) -> None:
    if len(counts) != bins or not all(isinstance(count, int) and count >= 0 for count in counts) or sum(counts) != rows:
        raise ValueError(f"the counts of its {name} are not {bins} that sum to its {rows} rows")


def _list_labels(spec: FeatureSpec) -> tuple[str, ...]:
    return spec.categories or ("false", "true")


def find_reference_values(
    contract: type[Contract], rows: Rows, contributions: npt.NDArray[np.float32]
) -> dict[str, Value | None]:
    """Find what each feature typically is where it speaks for staying. Moved there, a reason to leave should go away.

    That is its middle value, or most frequent category, among the rows with a negative contribution of it; among all
    rows if there is none. A middle value is one that occurs. Unknown values are left out; a feature that no row knows
    is unknown here, too.

    Args:
        rows: float32 (n, features), encoded; n >= 1.
        contributions: float32 (n, features), in log-odds.
    """
    return {
        spec.name: spec.decode(_find_typical(spec, column, parts < 0))
        for spec, column, parts in zip(contract.features, rows.T, contributions.T, strict=True)
    }


def _find_typical(spec: FeatureSpec, column: npt.NDArray[np.float32], lowers: npt.NDArray[np.bool_]) -> float | None:
    known = ~np.isnan(column)
    column = column[known & lowers] if (known & lowers).any() else column[known]
    if not len(column):
        return None
    if spec.kind in {"category", "boolean"}:
        return float(np.bincount(column.astype(np.int64)).argmax())
    # By way of the shortest digits that give the same float32, so that 70.13 is not written 70.12999725341797.
    return float(str(np.quantile(column, 0.5, method="lower")))


def _count_distribution(spec: FeatureSpec, column: npt.NDArray[np.float32]) -> dict[str, Any]:
    known = column[~np.isnan(column)]
    unknown = {"unknown": len(column) - len(known)} if spec.is_nullable else {}
    return _count_known(spec, known) | unknown


def _count_known(spec: FeatureSpec, column: npt.NDArray[np.float32]) -> dict[str, Any]:
    if spec.kind in {"category", "boolean"}:
        labels = _list_labels(spec)
        counts = np.bincount(column.astype(np.int64), minlength=len(labels))
        return {"kind": spec.kind, "values": list(labels), "counts": counts.tolist()}
    shares = np.linspace(0, 1, QUANTILE_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(column, shares)) if len(column) else np.zeros(0)
    counts = np.bincount(np.searchsorted(edges, column, side="right"), minlength=len(edges) + 1)
    return {"kind": spec.kind, "edges": edges.tolist(), "counts": counts.tolist()}
