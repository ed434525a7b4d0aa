"""What `churn train` shows of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn.cli.show import print_table, say

if TYPE_CHECKING:
    from churn.training.candidates import Candidate
    from churn.training.choosing import Loss
    from churn.training.curve import Reach
    from churn.training.pipeline import TrainingResult

# ruff: noqa: PLC0415 - the training libraries take seconds to import


def show_training(trained: TrainingResult) -> None:
    """Show how the methods compared, how the model did on the holdout, and what it rests on."""
    from churn.training.evaluation import compute_shares

    measured = trained.evaluation
    _show_comparison(trained)
    rows = [
        ["AUC", f"{measured.auc:.4f} (95 % interval {measured.auc_low:.4f} to {measured.auc_high:.4f})"],
        ["F1 at 0.5", f"{measured.f1:.4f}"],
        ["log loss", f"{measured.log_loss:.4f}"],
        ["Brier score", f"{measured.brier:.4f}"],
        ["calibration error", f"{measured.expected_calibration_error:.4f}"],
    ]
    reach = trained.reach
    rows.append([f"banner above {reach.threshold:g}", word_reach(reach)])
    if trained.best_possible_auc is not None:
        rows.insert(1, ["best possible AUC", f"{trained.best_possible_auc:.4f} (of the process that made the data)"])
    print_table(f"{trained.model_version} on a holdout of {measured.rows} rows", ["measure", "value"], rows)
    shares, labels = compute_shares(trained.strengths), trained.contract.labels()
    rested = [[labels[name], strength, f"{shares[name]:.1%}"] for name, strength in trained.strengths.items()]
    print_table("What it rests on", ["feature", "mean |SHAP|", "share"], rested)


def word_reach(reach: Reach) -> str:
    """Say in a phrase whom the banner reaches."""
    if reach.precision is None or reach.recall is None:
        return f"{reach.share:.1%} of the subscribers"
    return (
        f"{reach.share:.1%} of the subscribers, {reach.precision:.1%} of them left; {reach.recall:.1%} of the leavers"
    )


def _show_comparison(trained: TrainingResult) -> None:
    """Show how the methods did, which was chosen and why, and what the directions cost each of them."""
    from churn.training.choosing import measure_loss
    from churn.training.directions import price_directions

    best = trained.candidates[0]
    columns = ["method", "AUC", "behind the best", "seconds", ""]
    print_table("Comparison by cross-validation on the training part", columns, [
        [
            candidate.name,
            candidate.mean_auc,
            "" if candidate is best else _word_loss(measure_loss(best.fold_aucs, candidate.fold_aucs)),
            f"{candidate.seconds:.1f}",
            _word_fate(candidate, trained.method),
        ]
        for candidate in trained.candidates
    ])  # fmt: skip
    say(_explain_choice(trained))
    labels = trained.contract.labels()
    for title, priced, prices in (
        ("What the monotone directions cost; below 0 they help", "method", price_directions(trained.candidates)),
        (f"What {trained.method.name} gains if one direction is freed", "feature", trained.freed),
    ):
        if prices:
            print_table(title, [priced, "AUC", "average precision"], [
                [labels.get(price.of, price.of), *map(_word_loss, (price.auc, price.average_precision))]
                for price in prices
            ])  # fmt: skip


def _word_fate(candidate: Candidate, method: Candidate) -> str:
    from churn.training.candidates import BASELINE

    if candidate.name == BASELINE:
        return "the baseline"
    if candidate is method:
        return "fitted"
    return "" if candidate.is_servable else "compared only"


def _word_loss(loss: Loss) -> str:
    return f"{loss.mean:.4f} ± {loss.standard_error:.4f}"


def _explain_choice(trained: TrainingResult) -> str:
    """Say in a sentence which method was fitted, and why."""
    from churn.training.choosing import measure_loss

    method, chosen, negligible = trained.method, trained.chosen, trained.contract.negligible_auc_loss
    best, usual = trained.candidates[0], next(one for one in trained.candidates if one.name == trained.tuned.method)

    def word_lead(of: Candidate, over: Candidate) -> str:
        return _word_loss(measure_loss(of.fold_aucs, over.fold_aucs))

    if method is not chosen:
        lead = word_lead(chosen, method)
        return f"{method.name} is fitted, as you asked. The comparison chooses {chosen.name}, which is better by {lead}"
    if method is not usual:
        why = f"{method.name} is fitted: it is surely better than {usual.name}, by {word_lead(method, usual)}"
    else:
        why = (
            f"{method.name} is fitted: no method that can be served is better by more than {negligible:g} and by more "
            "than one standard error of the differences on the same folds"
        )
    if best.is_servable or measure_loss(best.fold_aucs, method.fold_aucs).is_small(negligible):
        return why
    return f"{why}. The {best.name} is better by {word_lead(best, method)}, but cannot be served"
