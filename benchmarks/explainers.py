"""Compare the explanation alone with that of other libraries, and the proof at export with asking row by row."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from benchmarks import kernel, machine, models
from benchmarks.kernel import Row, Say, time_cpu
from churn.businesses import find_contract
from churn.contract.sampling import draw_columns
from churn.explain.parity import build_verified_tables, make_adversarial_rows
from churn.explain.xgb import XgboostModel
from churn.model.manifest import MODEL

FULL: dict[str, Any] = {"rounds": 2, "one_row_s": 0.3, "bulk_s": 1.5, "row_by_row": 4_000}
QUICK: dict[str, Any] = {"rounds": 1, "one_row_s": 0.2, "bulk_s": 1.0, "row_by_row": 1_000}
ORDINARY = 16_000  # rows of a holdout, about
LIBRARIES = ("numpy", "xgboost-cpu", "shap", "shapiq", "woodelf-explainer")


def measure_explainers(names: Sequence[str], *, quick: bool, say: Say) -> dict[str, Any]:
    """Measure the models of these names."""
    settings = QUICK if quick else FULL
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.describe_machine(LIBRARIES, tool=None),
        "settings": settings,
        "kernel": [],
        "proof": [],
    }
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as work:
        for name in names:
            say(f"{name} · training and exporting the model")
            bundle = models.make_bundle(name, Path(work))
            timing = {key: settings[key] for key in ("rounds", "one_row_s", "bulk_s")}
            results["kernel"] += kernel.measure_kernel(bundle, **timing, say=say)
            results["proof"] += [
                measure_proof(bundle, number, settings["row_by_row"]) for number in range(settings["rounds"])
            ]
            say(f"{name} · proof: {results['proof'][-1]}")
    return results


def measure_proof(bundle: Path, number: int, row_by_row: int) -> Row:
    """Measure the CPU seconds of a proof, and what XGBoost takes for contributions of all its rows without our help.

    Args:
        bundle: the model.
        number: of the round.
        row_by_row: how many rows XGBoost is asked about; their time is taken for that of all.
    """
    contract = find_contract(models.CONTRACT)
    model = XgboostModel(xgboost.Booster(model_file=bundle / MODEL))
    ordinary = contract.encode_columns(draw_columns(contract, np.random.default_rng(2), ORDINARY))
    edges = make_adversarial_rows(model.list_thresholds(), ordinary, np.random.default_rng(0), model.proof_rows)
    proof_s, _ = time_cpu(partial(build_verified_tables, model, ordinary))
    row_by_row_s, _ = time_cpu(partial(model.explain, edges[:row_by_row]))
    rows = len(ordinary) + len(edges)
    return {
        "model": bundle.name,
        "round": number,
        "rows": rows,
        "proof_s": round(proof_s, 3),
        "row_by_row_s": round(row_by_row_s * rows / row_by_row, 3),
    }
