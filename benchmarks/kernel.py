"""The explanation alone, without a server: one row, and many rows with and without their reasons, in CPU time.

All run with one thread, and CPU time leaves out what other programs of the machine take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost

from benchmarks.rounds import in_turn
from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_columns
from churn.judging.metrics import TOP_REASONS
from churn.model.bundle import MODEL, load_bundle
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
    """A way to explain: encoded rows in, a contribution for each feature out."""

    name: str
    explain: Callable[[Rows], Matrix]


def contenders(bundle: Path) -> list[Contender]:
    """Ours and the three others, all with the same trees; what can be built once is built once."""
    import shap  # noqa: PLC0415 - seconds to import, and the rivals are not there where the tests run
    from woodelf import WoodelfExplainer  # noqa: PLC0415

    model = load_bundle(bundle).model
    features = model.contract.feature_names()
    booster = xgboost.Booster(model_file=bundle / MODEL)
    booster.set_param({"nthread": 1})
    classifier = xgboost.XGBClassifier(n_jobs=1)
    classifier.load_model(bundle / MODEL)
    tree_explainer = shap.TreeExplainer(classifier)
    woodelf = WoodelfExplainer(classifier)

    def contribs(rows: Rows) -> Matrix:
        data = xgboost.DMatrix(rows, nthread=1)
        return booster.predict(data, pred_contribs=True, validate_features=False)[:, :-1]

    return [
        Contender("ours", lambda rows: model.explain(rows)[:, :-1]),
        Contender("pred_contribs", contribs),
        Contender("shap", lambda rows: np.asarray(tree_explainer.shap_values(rows))),
        Contender("woodelf", lambda rows: woodelf.shap_values(pd.DataFrame(rows, columns=features), verbose=False)),
    ]


def worded(contract: type[Contract], rows: Rows, contributions: Matrix) -> object:
    """The three reasons of each row, made as `churn score` makes them, whoever explained it."""
    return build_reason_lists(
        contract.features, rows.astype(np.float64), np.asarray(contributions, dtype=np.float64), TOP_REASONS
    )


def measure_kernel(bundle: Path, *, rounds: int, one_row_s: float, bulk_s: float, say: Say) -> list[Row]:
    """Microseconds a row for each contender, task and round.

    Args:
        bundle: the model.
        rounds: how often each is measured, in turning order.
        one_row_s: how long single rows are explained for one figure, at least.
        bulk_s: about how long a bulk may take; decides the number of its rows, up to 240,000.
        say: told what is being done.

    Raises:
        RuntimeError: two contenders disagree.
    """
    model = load_bundle(bundle).model
    rows = model.contract.encode_columns(draw_columns(model.contract, np.random.default_rng(1), MOST_ROWS))
    found = contenders(bundle)
    check_agreement(found, rows[:CHECKED])
    counts = {each.name: bulk_rows(each, rows, bulk_s) for each in found}
    results: list[Row] = []
    for number in range(rounds):
        for each in in_turn(found, number):
            one = one_row_us(each, rows, one_row_s)
            count = counts[each.name]
            explained_s, contributions = timed(partial(each.explain, rows[:count]))
            words_s, _ = timed(partial(worded, model.contract, rows[:count], contributions))
            bulk, reasons = (1e6 * seconds / count for seconds in (explained_s, explained_s + words_s))
            results.append(
                {"model": bundle.name, "contender": each.name, "round": number, "bulk_rows": count}
                | {"one_row_us": round(one, 2), "bulk_us": round(bulk, 3), "bulk_reasons_us": round(reasons, 3)}
            )
            say(
                f"{bundle.name} · round {number + 1} of {rounds} · {each.name}: one row {one:,.1f} µs; "
                f"{count:,} rows {bulk:,.2f} µs each, with reasons {reasons:,.2f}"
            )
    return results


def check_agreement(found: Sequence[Contender], rows: Rows) -> None:
    """Refuses to time contenders that give different contributions.

    Raises:
        RuntimeError: names the one that disagrees with pred_contribs, and by how much.
    """
    reference = next(each for each in found if each.name == "pred_contribs").explain(rows)
    for each in found:
        difference = float(np.abs(np.asarray(each.explain(rows), dtype=np.float64) - reference).max())
        if not difference <= TOLERANCE:
            raise RuntimeError(f"{each.name} and pred_contribs disagree by {difference:.2g} in a contribution")


def bulk_rows(contender: Contender, rows: Rows, seconds: float) -> int:
    """How many rows a contender explains in about that time, from a line through two trials.

    One that takes long to begin gets longer, until its beginning is a tenth: many rows are what it is made for.
    """
    small, large = (timed(partial(contender.explain, rows[:count]))[0] for count in TRIALS)
    each = max((large - small) / (TRIALS[1] - TRIALS[0]), 1e-9)
    beginning = max(small - each * TRIALS[0], 0.0)
    return int(min(max(seconds, 9 * beginning) / each, MOST_ROWS))


def one_row_us(contender: Contender, rows: Rows, seconds: float) -> float:
    """Microseconds of CPU for a row that comes alone, another one each time."""

    def some(first: int, count: int) -> None:
        for at in range(first, first + count):
            contender.explain(rows[at : at + 1])

    some(0, 1)
    once, _ = timed(partial(some, 1, 1))
    count = max(1, min(len(rows) - 1, int(seconds / max(once, 1e-6))))
    spent, _ = timed(partial(some, 0, count))
    return 1e6 * spent / count


def timed[T](work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of CPU that the process spent on some work, all its threads together, and what came of it."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result
