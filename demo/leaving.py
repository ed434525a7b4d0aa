"""Subscribers who leave with the predicted probability, changed by a banner of a known effect."""

import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from churn.model.model import Prediction
from churn.prediction_log.places import locate_log
from churn.prediction_log.record import Entry, JournalHeader, LineMaker
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.document import Holdout
from churn.settings import read_settings

SALT = "a secret of the demonstration"
THRESHOLD, TAKE_UP = 0.6, 0.3
HOLDOUT = Holdout(share=0.2, experiment="of-the-tests")


def simulate(home: Path, *, effect: float, subscribers: int = 20_000) -> tuple[Path, float]:
    """Write a log of such subscribers, and a file of who left.

    Return the file and the true effect. It is a bit less than asked for, since no probability falls below 0 or above 1.

    Args:
        home: where to write.
        effect: of the banner on the probability, for those who are treated.
        subscribers: each sees the page twice, and the second time the model says something else.
    """
    generator = np.random.default_rng(11)
    begin = time.time_ns() - 10**12
    contract = read_settings().churn_contract
    log = locate_log(None, contract, home=home)
    log.prepare()
    lines = LineMaker(JournalHeader(contract, ("age",), "v1", "0" * 64, THRESHOLD, SALT))
    journal, outcomes = [lines.header], ["subscriber,left,accepted"]
    probabilities = generator.beta(2, 2, subscribers).round(4)
    for number, probability in enumerate(probabilities.tolist()):
        key = f"subscriber-{number}"
        arm = draw_arm(key, HOLDOUT) if probability > THRESHOLD else None
        for visit, score in enumerate((probability, 1 - probability)):
            banner: Any = None
            if visit == 0 and arm:
                offer = {"code": "pause"} if arm == "treatment" else None
                banner = {"arm": arm, "reasons": [], "offer": offer, "language": "en", "policy_version": "1"}
            answer: Any = {"top_reasons": [], "show_retention_banner": bool(banner)}
            made = uuid.UUID(int=2 * number + visit).hex
            prediction = Prediction(score, (1.0,), (0.0,), 0.0)
            noted = Entry(begin + (visit * subscribers + number) * 10**6, made, "", key, prediction, answer, banner)
            journal.append(lines.make_line(noted))
        left = generator.random() < probability + (effect if arm == "treatment" else 0)
        accepted = "" if arm != "treatment" else "yes" if generator.random() < TAKE_UP else "no"
        outcomes.append(f"{key},{'yes' if left else 'no'},{accepted}")
    (log.journals / "one.jsonl").write_bytes(b"".join(journal))
    path = home / "outcomes.csv"
    path.write_text("\n".join(outcomes), encoding="utf-8")
    high = probabilities[probabilities > THRESHOLD]
    return path, float((np.clip(high + effect, 0, 1) - high).mean())
