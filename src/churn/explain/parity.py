"""Proving that an explainer says what the model's own library says, on rows made to catch it out."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows
from churn.explain import Explainer
from churn.explain.arrays import Tables
from churn.explain.tables import build_table_explainer, compile_tables
from churn.explain.trained import TrainedModel
from churn.explain.tree_by_tree import count_threads, run_in_order
from churn.explain.trees import NotTabular

TOLERANCE = 1e-5
MISSING_SHARE = 0.1
AT_ONCE = 5_000
NUMBERS_AT_ONCE = 1_500_000
"""Values of the rows that trees are asked about together: the more rows, the more of them are alike to a tree."""
ASKED_WHOLE = 1_000

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Deviation:
    """The largest differences over some rows, in log-odds.

    Args:
        rows: how many were compared.
        margin: from the library's leaves, added up in double precision.
        contributions: from the library's own: of each tree, added up, and over 1,000 of the rows of the whole model.
    """

    rows: int
    margin: float
    contributions: float

    def is_within(self, tolerance: float = TOLERANCE) -> bool:
        """Say whether both lie within the tolerance; NaN does not."""
        return self.margin <= tolerance and self.contributions <= tolerance


def build_verified_tables(
    model: TrainedModel,
    rows: Rows,
    *,
    tolerance: float = TOLERANCE,
    edge_rows: int | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Tables:
    """Compile a model, and compare the tables with its library over these rows and many adversarial ones.

    Args:
        rows: float32 (n, features), n > 0, ordinary ones.
        edge_rows: how many adversarial ones; as many as the library can be asked about if None.

    Raises:
        NotTabular: it cannot be compiled, or the tables say something else than its library.
    """
    ensemble = model.read_ensemble()
    tables = compile_tables(ensemble)
    edges = make_adversarial_rows(
        ensemble.thresholds,
        rows,
        np.random.default_rng(0),
        edge_rows or model.proof_rows,
        missing_share=MISSING_SHARE if model.takes_missing else 0.0,
    )
    compared = np.concatenate([rows, edges])
    deviation = compare_with_model(build_table_explainer(tables), model, compared, progress=progress)
    if not deviation.is_within(tolerance):
        raise NotTabular(
            f"over {deviation.rows:,} rows the tables differ from {model.library} by {deviation.margin:.2g} in the "
            f"margin and {deviation.contributions:.2g} in a contribution, more than {tolerance}"
        )
    return tables


def make_adversarial_rows(
    thresholds: Sequence[npt.NDArray[np.float32]],
    sample: Rows,
    generator: np.random.Generator,
    count: int,
    *,
    missing_share: float = MISSING_SHARE,
) -> Rows:
    """Make rows that sit on the edges: each threshold, one ulp below and above it, the extremes, and missing values.

    Args:
        thresholds: per feature, those that the trees split at.
        sample: float32 (n, features), ordinary rows to draw ordinary values from.
        count: how many rows to make; more if it takes more for every edge to occur.
        missing_share: of values that are missing.

    Returns:
        float32 (count, features); each feature's values are drawn apart from the others'.
    """
    largest = np.finfo(np.float32).max
    columns = []
    pools = [
        np.concatenate([
            axis,
            np.nextafter(axis, np.float32(-np.inf)),
            np.nextafter(axis, np.float32(np.inf)),
            np.array([-largest, -0.0, 0.0, largest], dtype=np.float32),
            sample[: len(axis) + 4, feature],
        ])
        for feature, axis in enumerate(thresholds)
    ]  # fmt: skip
    count = max(count, *map(len, pools))
    for pool in pools:
        drawn = np.concatenate([pool, generator.choice(pool, count - len(pool))])
        generator.shuffle(drawn)
        drawn[generator.random(count) < missing_share] = np.nan
        columns.append(drawn)
    return np.column_stack(columns).astype(np.float32)


def compare_with_model(
    explain: Explainer,
    model: TrainedModel,
    rows: Rows,
    *,
    progress: Progress = lambda _done, _total: None,
) -> Deviation:
    """Compare an explainer with the model that it was made of.

    Args:
        rows: float32 (n, features), n > 0.
        progress: told again and again how many rows are done, of how many.
    """
    sample = rows[:: -(-len(rows) // ASKED_WHOLE)]
    contributions = [np.abs(explain(sample) - model.explain(sample)).max()]
    margins = []
    at_once = max(AT_ONCE, NUMBERS_AT_ONCE // rows.shape[1])
    threads = count_threads()
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(rows), at_once):
            chunk = rows[first : first + at_once]

            def tell(share: float, before: int = first, count: int = len(chunk)) -> None:
                progress(before + int(share * count), len(rows))

            library = model.explain_many(chunk, tell)
            parts = [slice(start, start + AT_ONCE) for start in range(0, len(chunk), AT_ONCE)]
            ours = run_in_order(pool, [partial(explain, chunk[part]) for part in parts], threads)
            for part, explained in zip(parts, ours, strict=True):
                margins.append(np.abs(explained.sum(axis=1) - model.compute_margins(chunk[part])).max())
                contributions.append(np.abs(explained - library[part]).max())
            progress(first + len(chunk), len(rows))
    return Deviation(len(rows), float(np.max(margins)), float(np.max(contributions)))
