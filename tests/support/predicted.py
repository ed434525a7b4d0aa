"""Predictions as the service has them when it has answered, for tests of the log."""

import time
from datetime import date

from churn.contract.catalogues import list_languages
from churn.model.bundle import Bundle
from churn.prediction_log.actions import Possible
from churn.prediction_log.batches import batches_from_journal, rows_from_batch
from churn.prediction_log.ids import make_prediction_id
from churn.prediction_log.record import Entry, JournalHeader, Record, day_from_ns
from churn.retention.banner import Visitor, decide_banner
from churn.retention.offers.arms import draw_arm, takes_part_below
from churn.retention.offers.policy import Policy, load_policy
from churn.retention.verifying import LATEST
from churn.service.answering.answer import build_answer

SALT = "a secret of the tests"


def make_header(
    bundle: Bundle, *, threshold: float = 0.6, salt: str | None = SALT, policy: Policy | None = None
) -> JournalHeader:
    """What the records of a bundle's predictions have in common."""
    contract, policy = bundle.model.contract, policy or find_policy(bundle)
    return JournalHeader(
        contract.contract_name,
        tuple(contract.feature_names()),
        bundle.model.version,
        bundle.sha256,
        threshold,
        salt,
        possible=Possible.from_policy(policy),
        policy_version=policy.version,
        policy_sha256=policy.sha256,
        experiment=policy.holdout.experiment,
        holdout_share=policy.holdout.share,
        draw_seed=policy.holdout.experiment,
        horizon_days=contract.horizon_days,
        verification=LATEST,
    )


def find_policy(bundle: Bundle) -> Policy:
    """The contract's own policy."""
    return load_policy(None, bundle.model.contract, languages=list_languages(bundle.model.contract))


def make_entry(
    bundle: Bundle,
    *,
    threshold: float = 0.6,
    key: str | None = "somebody",
    policy: Policy | None = None,
    last_offer: date | None = None,
    **other: object,
) -> Entry:
    """The contract's example, or with `other` another subscriber, as it is answered."""
    model = bundle.model
    subscriber = model.contract.model_validate(model.contract.example() | other)
    [prediction] = model.predict([subscriber])
    worded = build_answer(model, subscriber, prediction, threshold=threshold, reasons=3)
    policy, time_ns = policy or find_policy(bundle), time.time_ns()
    decision = None
    visitor, today = Visitor(key, last_offer), day_from_ns(time_ns)
    if worded["show_retention_banner"] or takes_part_below(key, policy.holdout.experiment, policy.explore, today):
        decision = decide_banner(model, policy, subscriber, prediction, visitor, today=today)
    return Entry(
        time_ns,
        make_prediction_id(),
        "a-request",
        key,
        prediction,
        worded,
        decision,
        arm=draw_arm(key, policy.holdout),
        last_offer=last_offer,
    )


def read_lines(*lines: bytes) -> list[Record]:
    """The records of a journal with these lines, its header first."""
    return [record for batch in batches_from_journal(b"".join(lines)) for record in rows_from_batch(batch)]
