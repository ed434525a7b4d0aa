"""What a model version must show before it may be called champion. Pure: measurements in, verdicts out."""

from collections.abc import Mapping
from dataclasses import dataclass

from churn.contract.declaration import Contract
from churn.training.calibration import LARGEST_ERROR
from churn.training.comparison import FEWEST_OF_A_LABEL, Comparison, Difference
from churn.training.evaluation import Evaluation, find_largest_by_chance
from churn.training.protected import LARGEST_SHARE, list_protected_shares

AUC_MARGIN = 0.005
LOG_LOSS_MARGIN = 0.01
TOO_FEW_FOR_CALIBRATION = 2.0
"""Times the error that is allowed: if chance alone makes as much, a bad model passes too."""
REFUSED_BEYOND = 0.99
"""Of draws by chance. A twentieth of good versions would be refused at 95 %, and out of fold it was checked already."""
NO_COSTS: Mapping[str, Difference] = {}
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
    protected_costs: Mapping[str, Difference] = NO_COSTS,
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
        protected_costs: the AUC that a model without this field loses, where that was measured.
        horizon: the days within which its label says who left, None if it says nothing.
        read_by: the fingerprint of the contract that its holdout was read by, where somebody else trained it.
    """
    return [
        _check_contract(contract, fingerprint, read_by, horizon),
        *(_compare(comparison) if comparison else _check_metrics(candidate, champion)),
        _check_calibration(candidate),
        _check_protected(contract, contribution_shares, protected_costs),
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


def _check_calibration(candidate: Evaluation) -> Gate:
    """Check that probabilities are not off by more than is allowed, and than chance makes on so many rows."""
    error, by_chance = candidate.expected_calibration_error, find_largest_by_chance(candidate.calibration)
    allowed = max(LARGEST_ERROR, find_largest_by_chance(candidate.calibration, REFUSED_BEYOND))
    reason = f"calibration error {error:.4f}, at most {allowed:.4f} allowed"
    if allowed > LARGEST_ERROR:
        draws = f"{100 * REFUSED_BEYOND:.0f} % of draws of {candidate.rows:,} rows"
        reason = f"{reason}, which a perfect model stays below in {draws}"
    if by_chance > TOO_FEW_FOR_CALIBRATION * LARGEST_ERROR and not error > allowed:
        return Gate("calibration", passed=False, reason=f"cannot decide: {reason}; {MORE_ROWS}", undecided=True)
    return Gate("calibration", error <= allowed, reason)


def _check_protected(contract: type[Contract], shares: Mapping[str, float], costs: Mapping[str, Difference]) -> Gate:
    protected = list_protected_shares(contract, shares)
    worst = max(protected, key=protected.__getitem__, default=None)
    if worst is None:
        return Gate("protected fields", passed=True, reason="the contract has no protected field")
    passed = protected[worst] <= LARGEST_SHARE
    reason = (
        f"{worst} has {protected[worst]:.1%} of the mean |SHAP|, at most {LARGEST_SHARE:.0%} allowed "
        "for a protected field"
    )
    if not passed:
        reason = f"{reason}. {_say_ways_out(worst, costs.get(worst))}"
    return Gate("protected fields", passed, reason)


def _say_ways_out(field: str, cost: Difference | None) -> str:
    """Say what can be done about a protected field that carries too much."""
    costs = "what that costs is not known, `churn train` measures it"
    if cost is not None:
        low, high = (cost.value + sign * SURE * cost.standard_error for sign in (-1, 1))
        costs = f"that costs {cost.value:+.4f} of AUC ({low:+.4f} to {high:+.4f})"
    return f"Leave {field} out of the contract: {costs}. Or keep it, and record why with --force --reason TEXT"
