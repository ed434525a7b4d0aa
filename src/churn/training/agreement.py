"""Holds a model to what the registered one says itself, and to what its owner says that it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_columns
from churn.errors import BundleError
from churn.explain.libraries import EXPLAINS_ITSELF
from churn.explain.parity import MISSING_SHARE, make_adversarial_rows
from churn.explain.trained import TrainedModel
from churn.explain.trees import NotTabular
from churn.training.causes import find_cause
from churn.training.given import GivenRows
from churn.training.registered import Predict, RegisteredModel

DRAWN_ROWS, EDGE_ROWS = 2000, 10_000
OWN = "the registered model"
ROWS_WITHOUT_TABLES = 1000  # of each kind, where XGBoost itself explains: some milliseconds a row
MEND = "train or register it with the contract's names, order and codes; docs/bring-your-own-model.md says how"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows, and what a model must say of them."""

    given: GivenRows
    expected: npt.NDArray[np.float64]
    said_by: str
    is_shown: bool = False


def require_agreement(
    contract: type[Contract],
    predict: Predict,
    registered: RegisteredModel,
    given: Sequence[GivenRows],
    *,
    has_tables: bool,
) -> None:
    """Compare what a bundle says with what the registered model says, before the bundle is sealed.

    Rows are those given, some drawn from the contract, and adversarial ones: the neighbours of each threshold, missing
    values, extremes.

    Args:
        predict: what the bundle says, or the trees that it will be made of.
        has_tables: whether the model answers from tables. Where XGBoost itself explains, fewer rows are compared.

    Raises:
        BundleError: a probability differs by more than 1e-5, or than its owner's decimals show. Names the row, both
            numbers and the likeliest cause.
    """
    for comparison in _list_comparisons(contract, registered, given, has_tables=has_tables):
        rows = comparison.given.rows
        said = predict(rows)
        off = np.abs(said - comparison.expected)
        tolerance = comparison.given.tolerance
        if (off <= tolerance).all():
            continue
        worst = int(np.nan_to_num(off, nan=np.inf).argmax())
        where = comparison.given.name_row(worst)
        if comparison.is_shown:
            where = f"{where} ({_describe_row(contract, rows[worst])})"
        cause = find_cause(contract, registered, rows, comparison.expected, tolerance)
        raise BundleError(
            f"the bundle would not say what {comparison.said_by} says: at {where} it says {said[worst]:.6f} and "
            f"{comparison.said_by} {comparison.expected[worst]:.6f}; {int((~(off <= tolerance)).sum()):,} of "
            f"{len(rows):,} rows differ. Likeliest cause: {cause}",
            instead=MEND,
        )


def _list_comparisons(
    contract: type[Contract], registered: RegisteredModel, given: Sequence[GivenRows], *, has_tables: bool
) -> Iterator[Comparison]:
    generator = np.random.default_rng(0)
    drawn = contract.encode_columns(draw_columns(contract, generator, DRAWN_ROWS))
    trained = registered.trained
    edges = make_adversarial_rows(
        trained.list_thresholds(),
        drawn,
        generator,
        EDGE_ROWS,
        missing_share=MISSING_SHARE if trained.takes_missing else 0.0,
    )
    if not has_tables:
        drawn, edges = drawn[:ROWS_WITHOUT_TABLES], edges[:ROWS_WITHOUT_TABLES]
    for rows in given:
        yield Comparison(rows, registered.predict(rows.rows), OWN)
        if rows.probabilities is not None:
            yield Comparison(rows, rows.probabilities, rows.source)
    for source, made in (("rows of the contract's values", drawn), ("rows at the thresholds", edges)):
        yield Comparison(GivenRows(source, made), registered.predict(made), OWN, is_shown=True)


def _describe_row(contract: type[Contract], row: Rows) -> str:
    return ", ".join(f"{spec.name} {value:g}" for spec, value in zip(contract.features, row, strict=True))


def _list_obstacles(model: TrainedModel) -> Iterator[str]:
    obstacles = list(model.list_obstacles())
    if not obstacles and model.library != EXPLAINS_ITSELF:
        try:
            model.read_ensemble()
        except NotTabular as refused:
            obstacles.append(str(refused))
    yield from obstacles


def list_misfits(contract: type[Contract], model: RegisteredModel) -> Iterator[str]:
    """List what keeps this model from serving this contract, one phrase each; nothing if it can."""
    trained = model.trained
    yield from _list_obstacles(trained)
    if not trained.takes_missing and (unknown := [spec.name for spec in contract.features if spec.is_nullable]):
        yield f"it predicts nothing where a value is missing, and {', '.join(unknown)} may be"
    expected = contract.feature_names()
    if trained.feature_count != len(expected) and trained.feature_names is None:
        yield f"it takes {trained.feature_count} unnamed features, the contract has {len(expected)}"
        return
    where = "its" if trained.feature_names else "it knows no names, and its signature's"
    if (names := trained.feature_names or model.signature) is None:
        return
    for name in expected:
        if name not in names:
            yield f"it lacks {name}"
    for name in names:
        if name not in expected:
            yield f"it wants {name}, which the contract has not"
    if set(names) == set(expected) and list(names) != expected:
        first = next(at for at, (own, other) in enumerate(zip(names, expected, strict=True)) if own != other)
        yield f"{where} features come in another order: feature {first + 1} is {names[first]}, not {expected[first]}"
