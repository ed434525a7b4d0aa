"""Predictions as the service has them when it has answered, for tests of the log."""

import time
from datetime import date

from churn.contract.language import list_language_codes
from churn.model.bundle import Bundle
from churn.prediction_log.batches import batches_from_journal, rows_from_batch
from churn.prediction_log.ids import make_prediction_id
from churn.prediction_log.record import Entry, JournalHeader, Record
from churn.retention.banner import Visitor, build_banner
from churn.retention.offers.policy import load_policy
from churn.service.answering.answer import build_answer

SALT = "a secret of the tests"


def make_header(bundle: Bundle, *, threshold: float = 0.6, salt: str | None = SALT) -> JournalHeader:
    """What the records of a bundle's predictions have in common."""
    contract = bundle.model.contract
    return JournalHeader(
        contract.contract_name,
        tuple(contract.feature_names()),
        bundle.model.version,
        bundle.sha256,
        threshold,
        salt,
    )


def make_entry(bundle: Bundle, *, threshold: float = 0.6, key: str | None = "somebody", **other: object) -> Entry:
    """The contract's example, or with `other` another subscriber, as it is answered."""
    model = bundle.model
    subscriber = model.contract.model_validate(model.contract.example() | other)
    [prediction] = model.predict([subscriber])
    worded = build_answer(model, subscriber, prediction, threshold=threshold, reasons=3)
    banner = None
    if worded["show_retention_banner"]:
        policy = load_policy(None, model.contract, languages=list_language_codes())
        banner = build_banner(model, policy, subscriber, prediction, Visitor(key), today=date(2026, 1, 15))
    return Entry(time.time_ns(), make_prediction_id(), "a-request", key, prediction, worded, banner)


def read_lines(*lines: bytes) -> list[Record]:
    """The records of a journal with these lines, its header first."""
    return [record for batch in batches_from_journal(b"".join(lines)) for record in rows_from_batch(batch)]
