"""What the contract's monotone directions cost: all of them together, and each one alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from churn.contract.declaration import Contract, Rows
from churn.training.candidates import Candidate, Progress, count_fits, measure_folds
from churn.training.choosing import Loss, measure_loss
from churn.training.folds import FOLDS, draw_folds, draw_sample
from churn.training.groups import Indices, Labels
from churn.training.methods.catalogue import METHODS

MOST_FITS, FEWEST_FOLDS = 60, 2


@dataclass(frozen=True, slots=True)
class Price:
    """What is lost by directions, in AUC and in average precision. `of` is a method, or the one feature that was freed.

    A loss is negative where the directions gain something.
    """

    of: str
    auc: Loss
    average_precision: Loss


def price_directions(candidates: Sequence[Candidate]) -> tuple[Price, ...]:
    """Compare each method that was fitted both ways with itself; empty if the contract has no directions."""
    return tuple(
        Price(
            candidate.name,
            measure_loss(candidate.free.fold_aucs, candidate.fold_aucs),
            measure_loss(candidate.free.fold_average_precisions, candidate.fold_average_precisions),
        )
        for candidate in candidates
        if candidate.free
    )


def is_price_sure(price: Price, negligible: float) -> bool:
    """Say whether the directions surely cost something that matters, in either measure."""
    return not (price.auc.is_small(negligible) and price.average_precision.is_small(negligible))


def price_each_direction(
    contract: type[Contract],
    rows: Rows,
    labels: Labels,
    *,
    seed: int,
    method: Candidate,
    progress: Progress | None = None,
    groups: Indices | None = None,
) -> tuple[Price, ...]:
    """Free one feature at a time and measure what the method gains by it, the largest gain in average precision first.

    It takes a fit for each direction and fold. With more than twelve directions fewer folds are used, so that there are
    at most 60 fits, but never fewer than two folds.

    Args:
        rows: the training part, as for `compare_candidates`; with the same seed, sample and folds are the same, too.
        method: a tree method as compared there.
    """
    sample = draw_sample(labels, seed, groups)
    rows, labels, groups = rows[sample], labels[sample], None if groups is None else groups[sample]
    directions = contract.monotone_constraints()
    directed = [at for at, direction in enumerate(directions) if direction]
    if not directed:
        return ()
    folds = draw_folds(labels, seed, groups)[: max(FEWEST_FOLDS, min(FOLDS, MOST_FITS // len(directed)))]
    report = count_fits(progress, len(directed) * len(folds))
    compared = METHODS[method.name]

    def price(at: int) -> Price:
        feature = contract.features[at].name
        model = compared.build([*directions[:at], 0, *directions[at + 1 :]], seed, compared.compared)
        freed = measure_folds(model, rows, labels, folds, lambda: report(f"{feature} freed"))
        return Price(
            feature,
            measure_loss(freed.fold_aucs, method.fold_aucs[: len(folds)]),
            measure_loss(freed.fold_average_precisions, method.fold_average_precisions[: len(folds)]),
        )

    prices = [price(at) for at in directed]
    report("done")
    return tuple(sorted(prices, key=lambda one: -one.average_precision.mean))
