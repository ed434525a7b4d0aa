"""Time the explanation without a server: one row, and many rows with and without their reasons.

All run with one thread. CPU time leaves out what other programs of the machine take.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost

from benchmarks.rounds import order_for_round
from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_columns
from churn.judging.metrics import TOP_REASONS
from churn.model.bundle import load_bundle
from churn.model.manifest import MODEL
from churn.scoring.answers import build_reason_lists

TOLERANCE = 1e-4
CHECKED = 2_000
TRIALS = (1_000, 4_000)
MOST_ROWS = 240_000

type Matrix = npt.NDArray[np.floating[Any]]
type Row = dict[str, Any]
type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to explain: encoded rows -> a contribution for each feature."""

    name: str
    explain: Callable[[Rows], Matrix]


def build_contenders(bundle: Path) -> list[Contender]:
    """Build ours and the others that are installed with the same trees, and do what each can do once."""
    import shap  # noqa: PLC0415 - seconds to import, and the rivals are not there where the tests run
    import shapiq  # noqa: PLC0415
    from woodelf import WoodelfExplainer  # noqa: PLC0415

    model = load_bundle(bundle).model
    features = model.contract.feature_names()
    booster = xgboost.Booster(model_file=bundle / MODEL)
    booster.set_param({"nthread": 1})
    classifier = xgboost.XGBClassifier(n_jobs=1)
    classifier.load_model(bundle / MODEL)
    tree_explainer = shap.TreeExplainer(classifier)
    woodelf = WoodelfExplainer(classifier)
    quadrature = shapiq.TreeExplainer(classifier, mode="pathdependent", index="SV", max_order=1, min_order=1)

    def contribs(rows: Rows) -> Matrix:
        data = xgboost.DMatrix(rows, nthread=1)
        return booster.predict(data, pred_contribs=True, validate_features=False)[:, :-1]

    return [
        Contender("ours", lambda rows: model.explain(rows)[:, :-1]),
        Contender("pred_contribs", contribs),
        Contender("shap", lambda rows: np.asarray(tree_explainer.shap_values(rows))),
        Contender("shapiq", lambda rows: matrix_from_orders(quadrature.explain_X(rows).values, rows.shape)),
        *([Contender("treeshap", build_treeshap(booster))] if importlib.util.find_spec("treeshap") else []),
        Contender("woodelf", lambda rows: woodelf.shap_values(pd.DataFrame(rows, columns=features), verbose=False)),
    ]


def matrix_from_orders(values: Mapping[tuple[int, ...], Matrix], shape: tuple[int, ...]) -> Matrix:
    """Return a column for each feature; one that is always 0 may have been left out."""
    contributions = np.zeros(shape)
    for (feature,), column in values.items():
        contributions[:, feature] = column
    return contributions


def build_treeshap(booster: xgboost.Booster) -> Callable[[Rows], Matrix]:
    """Build the explainer in Rust, with one thread; it reads JSON."""
    os.environ["RAYON_NUM_THREADS"] = "1"  # read when it begins
    from treeshap import ShapExplainer, TreeEnsemble  # noqa: PLC0415 - Rust's, which is not there everywhere

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        booster.save_model(file)
        explainer = ShapExplainer(TreeEnsemble.from_file(str(file), "xgboost"))

    def explain(rows: Rows) -> Matrix:
        contributions: Matrix = explainer.explain(rows.astype(np.float64)).shap_values
        return contributions

    return explain


def word_reasons(contract: type[Contract], rows: Rows, contributions: Matrix) -> object:
    """Make the three reasons of each row as `churn score` does, for any contender."""
    return build_reason_lists(
        contract.features, rows.astype(np.float64), np.asarray(contributions, dtype=np.float64), TOP_REASONS
    )


def measure_kernel(bundle: Path, *, rounds: int, one_row_s: float, bulk_s: float, say: Say) -> list[Row]:
    """Return the microseconds of a row for each contender, task and round.

    Args:
        bundle: the model.
        rounds: how often each is measured, in turning order.
        one_row_s: how long single rows are explained for one figure, at least.
        bulk_s: about how long many rows may take. It decides their number, up to 240,000.
        say: told what is being done.

    Raises:
        RuntimeError: two contenders disagree.
    """
    model = load_bundle(bundle).model
    rows = model.contract.encode_columns(draw_columns(model.contract, np.random.default_rng(1), MOST_ROWS))
    contenders = build_contenders(bundle)
    differences = check_agreement(contenders, rows[:CHECKED])
    counts = {contender.name: choose_bulk_rows(contender, rows, bulk_s) for contender in contenders}
    results: list[Row] = []
    for number in range(rounds):
        for contender in order_for_round(contenders, number):
            one_row = time_one_row(contender, rows, one_row_s)
            count = counts[contender.name]
            explained_s, contributions = time_cpu(partial(contender.explain, rows[:count]))
            words_s, _ = time_cpu(partial(word_reasons, model.contract, rows[:count], contributions))
            bulk, reasons = (1e6 * seconds / count for seconds in (explained_s, explained_s + words_s))
            results.append(
                {"model": bundle.name, "contender": contender.name, "round": number, "bulk_rows": count}
                | {"one_row_us": round(one_row, 2), "bulk_us": round(bulk, 3), "bulk_reasons_us": round(reasons, 3)}
                | {"difference": float(f"{differences[contender.name]:.2g}")}
            )
            say(
                f"{bundle.name} · round {number + 1} of {rounds} · {contender.name}: one row {one_row:,.1f} µs; "
                f"{count:,} rows {bulk:,.2f} µs each, with reasons {reasons:,.2f}"
            )
    return results


def check_agreement(contenders: Sequence[Contender], rows: Rows) -> dict[str, float]:
    """Refuse to time contenders that give different contributions. Return the largest difference of each.

    Raises:
        RuntimeError: names the one that disagrees with pred_contribs, and by how much.
    """
    reference = next(one for one in contenders if one.name == "pred_contribs").explain(rows)
    differences = {}
    for contender in contenders:
        contributions = np.asarray(contender.explain(rows), dtype=np.float64)
        difference = float(np.abs(contributions - reference).max())
        differences[contender.name] = difference
        if not difference <= TOLERANCE:
            raise RuntimeError(f"{contender.name} and pred_contribs disagree by {difference:.2g} in a contribution")
    return differences


def choose_bulk_rows(contender: Contender, rows: Rows, seconds: float) -> int:
    """Return how many rows a contender explains in about that time, by a line through two trials.

    A contender that takes long to begin is made for many rows. It gets more time, so that its beginning is a tenth.
    """
    small, large = (time_cpu(partial(contender.explain, rows[:count]))[0] for count in TRIALS)
    row_s = max((large - small) / (TRIALS[1] - TRIALS[0]), 1e-9)
    beginning_s = max(small - row_s * TRIALS[0], 0.0)
    return int(min(max(seconds, 9 * beginning_s) / row_s, MOST_ROWS))


def time_one_row(contender: Contender, rows: Rows, seconds: float) -> float:
    """Return the microseconds of CPU for a row that comes alone; each row is another one."""

    def explain_rows(first: int, count: int) -> None:
        for at in range(first, first + count):
            contender.explain(rows[at : at + 1])

    explain_rows(0, 1)
    once, _ = time_cpu(partial(explain_rows, 1, 1))
    count = max(1, min(len(rows) - 1, int(seconds / max(once, 1e-6))))
    spent, _ = time_cpu(partial(explain_rows, 0, count))
    return 1e6 * spent / count


def time_cpu[T](work: Callable[[], T]) -> tuple[float, T]:
    """Do some work. Return the seconds of CPU that all threads of the process spent on it, and its result."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result
