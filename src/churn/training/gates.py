"""What a model version must show before it may be called champion. Pure: measurements in, verdicts out."""

from collections.abc import Mapping
from dataclasses import dataclass

from churn.contract.declaration import Contract
from churn.training.comparison import FEWEST_OF_A_LABEL, Comparison, Difference
from churn.training.evaluation import Evaluation

AUC_MARGIN = 0.005
LOG_LOSS_MARGIN = 0.01
LARGEST_CALIBRATION_ERROR = 0.03
LARGEST_PROTECTED_SHARE = 0.05
SURE = 1.645
"""Standard errors. A version that is worse than a margin allows passes by chance in at most 5 % of draws."""
MORE_ROWS = "measure it on more rows with --holdout FILE, or promote it with --force --reason TEXT"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition, whether it holds, and why in words.

    Args:
        undecided: whether there are too few rows to tell; then it does not hold.
    """

    name: str
    passed: bool
    reason: str
    undecided: bool = False


def check_release_gates(
    contract: type[Contract],
    *,
    fingerprint: str | None,
    candidate: Evaluation,
    champion: Evaluation | None,
    comparison: Comparison | None = None,
    contribution_shares: Mapping[str, float],
    read_by: str | None = None,
    horizon: str | None = None,
) -> list[Gate]:
    """Check all gates, and return each, passed or not.

    Args:
        fingerprint: of the contract the candidate was trained for, None if it says nothing.
        candidate: measured on its own holdout.
        champion: the present champion, measured on the same rows; None where there is none yet.
        comparison: with the champion; None if an earlier version of this software measured it.
        contribution_shares: each feature's share of the sum of mean |SHAP|, between 0 and 1.
        horizon: the days within which its label says who left, None if it says nothing.
        read_by: the fingerprint of the contract that its holdout was read by, where somebody else trained it.
    """
    error = candidate.expected_calibration_error
    return [
        _check_contract(contract, fingerprint, read_by, horizon),
        *(_compare(comparison) if comparison else _check_metrics(candidate, champion)),
        Gate(
            "calibration",
            error <= LARGEST_CALIBRATION_ERROR,
            f"calibration error {error:.4f}, at most {LARGEST_CALIBRATION_ERROR} allowed",
        ),
        _check_protected(contract, contribution_shares),
    ]


def _check_contract(
    contract: type[Contract], fingerprint: str | None, read_by: str | None, horizon: str | None
) -> Gate:
    trained_for = (fingerprint or "none")[:12]
    reason = f"trained for contract fingerprint {trained_for}, the code's is {contract.fingerprint[:12]}"
    if fingerprint is None and read_by is not None:
        fingerprint = read_by
        reason = f"{reason}; it was measured on rows in the codes of {read_by[:12]}"
    stated = contract.horizon_days
    if horizon is not None and stated is not None and horizon != str(stated):
        reason = f"its label says who left within {horizon} days, the contract's within {stated}"
        return Gate("contract", passed=False, reason=reason)
    return Gate("contract", fingerprint == contract.fingerprint, reason)


def _compare(comparison: Comparison) -> list[Gate]:
    """Check a version against the champion on rows that neither was trained on, as far as that is known."""
    counts = f"{comparison.rows:,} of the {comparison.of_rows:,} rows of the holdout"
    own, other = comparison.own, comparison.other
    if own is None or other is None or comparison.auc is None or comparison.log_loss is None:
        reason = (
            f"cannot decide: the champion was not trained on {counts}, {comparison.fewest} of the rarer label, and at "
            f"least {FEWEST_OF_A_LABEL} are needed; {MORE_ROWS}"
        )
        return [Gate("comparison", passed=False, reason=reason, undecided=True)]
    reason = f"on {counts}, on which the champion was not trained"
    if not comparison.is_unseen:
        reason = (
            f"on {comparison.rows:,} rows; whether the champion was trained on some of them, which flatters it, is not "
            "known: nothing was recorded of its holdout"
        )
    values = [(own.auc, other.auc), (own.log_loss, other.log_loss)]
    return [
        Gate("comparison", passed=True, reason=reason),
        _check_difference("auc", "AUC", *values[0], comparison.auc, least=-AUC_MARGIN),
        _check_difference("log loss", "log loss", *values[1], comparison.log_loss, most=LOG_LOSS_MARGIN),
    ]


def _check_difference(
    name: str,
    figure: str,
    own: float,
    other: float,
    difference: Difference,
    *,
    least: float | None = None,
    most: float | None = None,
) -> Gate:
    """Check that a figure is surely no worse than the champion's by more than a margin."""
    low, high = (difference.value + sign * SURE * difference.standard_error for sign in (-1, 1))
    if least is not None:
        passed, failed, allowed = low >= least, high < least, f"at most {-least} less allowed"
    else:
        passed, failed, allowed = high <= (most or 0), low > (most or 0), f"at most {most} more allowed"
    reason = (
        f"{figure} {own:.4f} against the champion's {other:.4f} on the same rows, {difference.value:+.4f} "
        f"({low:+.4f} to {high:+.4f}), {allowed}"
    )
    undecided = not passed and not failed
    return Gate(name, passed, f"cannot decide: {reason}; {MORE_ROWS}" if undecided else reason, undecided)


def _check_metrics(candidate: Evaluation, champion: Evaluation | None) -> list[Gate]:
    if champion is None:
        return [Gate("auc", passed=True, reason=f"AUC {candidate.auc:.4f}; there is no other champion to compare with")]
    return [
        Gate(
            "auc",
            candidate.auc >= champion.auc - AUC_MARGIN,
            f"AUC {candidate.auc:.4f} against the champion's {champion.auc:.4f} on the same holdout, "
            f"at most {AUC_MARGIN} less allowed",
        ),
        Gate(
            "log loss",
            candidate.log_loss <= champion.log_loss + LOG_LOSS_MARGIN,
            f"log loss {candidate.log_loss:.4f} against the champion's {champion.log_loss:.4f} on the same holdout, "
            f"at most {LOG_LOSS_MARGIN} more allowed",
        ),
    ]


def _check_protected(contract: type[Contract], shares: Mapping[str, float]) -> Gate:
    protected = {spec.name: shares[spec.name] for spec in contract.features if spec.marker.protected}
    worst = max(protected, key=protected.__getitem__, default=None)
    if worst is None:
        return Gate("protected fields", passed=True, reason="the contract has no protected field")
    return Gate(
        "protected fields",
        protected[worst] <= LARGEST_PROTECTED_SHARE,
        f"{worst} has {protected[worst]:.1%} of the mean |SHAP|, at most {LARGEST_PROTECTED_SHARE:.0%} allowed "
        "for a protected field",
    )
