"""What a model version must show before it may be called champion. Pure: measurements in, verdicts out."""

from collections.abc import Mapping
from dataclasses import dataclass

from churn.contract.declaration import Contract
from churn.training.evaluation import Evaluation

AUC_MARGIN = 0.005
LOG_LOSS_MARGIN = 0.01
LARGEST_CALIBRATION_ERROR = 0.03
LARGEST_PROTECTED_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition, whether it holds, and why in words."""

    name: str
    passed: bool
    reason: str


def check_release_gates(
    contract: type[Contract],
    *,
    fingerprint: str | None,
    candidate: Evaluation,
    champion: Evaluation | None,
    contribution_shares: Mapping[str, float],
    read_by: str | None = None,
) -> list[Gate]:
    """Check all gates, and return each, passed or not.

    Args:
        fingerprint: of the contract the candidate was trained for, None if it says nothing.
        candidate: measured on its own holdout.
        champion: the present champion, measured on the same rows; None where there is none yet.
        contribution_shares: each feature's share of the sum of mean |SHAP|, between 0 and 1.
        read_by: the fingerprint of the contract that its holdout was read by, where somebody else trained it.
    """
    error = candidate.expected_calibration_error
    return [
        _check_contract(contract, fingerprint, read_by),
        *_check_metrics(candidate, champion),
        Gate(
            "calibration",
            error <= LARGEST_CALIBRATION_ERROR,
            f"calibration error {error:.4f}, at most {LARGEST_CALIBRATION_ERROR} allowed",
        ),
        _check_protected(contract, contribution_shares),
    ]


def _check_contract(contract: type[Contract], fingerprint: str | None, read_by: str | None) -> Gate:
    trained_for = (fingerprint or "none")[:12]
    reason = f"trained for contract fingerprint {trained_for}, the code's is {contract.fingerprint[:12]}"
    if fingerprint is None and read_by is not None:
        fingerprint = read_by
        reason = f"{reason}; it was measured on rows in the codes of {read_by[:12]}"
    return Gate("contract", fingerprint == contract.fingerprint, reason)


def _check_metrics(candidate: Evaluation, champion: Evaluation | None) -> list[Gate]:
    if champion is None:
        return [Gate("auc", passed=True, reason=f"AUC {candidate.auc:.4f}; there is no champion to compare with")]
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
