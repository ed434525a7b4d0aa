"""What a challenger must show: the release gates on all rows held out, and no sure harm on the log's part."""

from churn.contract.declaration import Contract
from churn.retraining.challenger import Challenger
from churn.training.gates import AUC_MARGIN, LOG_LOSS_MARGIN, SURE, Gate, check_release_gates

LOG_GATE = "had nobody been treated"


def judge_challenger(contract: type[Contract], challenger: Challenger) -> list[Gate]:
    """Check all release gates on the whole holdout, and the log's part by itself."""
    own = challenger.everything.own or challenger.evaluation
    gates = check_release_gates(
        contract,
        fingerprint=contract.fingerprint,
        candidate=own,
        champion=challenger.everything.other,
        comparison=challenger.everything,
        contribution_shares=challenger.shares,
    )
    return [*gates, judge_log(challenger)]


def judge_log(challenger: Challenger) -> Gate:
    """Refuse a challenger that is surely worse on the log by more than a margin.

    The log is what subscribers are today. It has few rows, so nobody waits until it is surely as good.
    """
    log = challenger.log
    if log.own is None or log.other is None or log.auc is None or log.log_loss is None:
        reason = f"the log has {log.rows:,} rows held out, {log.fewest} of the rarer label: too few to tell"
        return Gate(LOG_GATE, passed=True, reason=reason)
    highest = log.auc.value + SURE * log.auc.standard_error
    least_loss = log.log_loss.value - SURE * log.log_loss.standard_error
    reason = (
        f"on {log.rows:,} rows of the log, AUC {log.own.auc:.4f} against the champion's {log.other.auc:.4f}, "
        f"log loss {log.own.log_loss:.4f} against {log.other.log_loss:.4f}"
    )
    return Gate(LOG_GATE, passed=highest >= -AUC_MARGIN and least_loss <= LOG_LOSS_MARGIN, reason=reason)
