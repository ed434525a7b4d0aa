"""Subscribers who leave with the predicted probability, changed by a banner of a known effect."""

import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from churn.model.model import Prediction
from churn.prediction_log.actions import Possible
from churn.prediction_log.places import locate_log
from churn.prediction_log.record import Entry, JournalHeader, LineMaker
from churn.retention.banner import Decision
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.document import Holdout
from churn.retention.offers.selection import Choice
from churn.settings import read_settings

SALT = "a secret of the demonstration"
THRESHOLD, TAKE_UP = 0.6, 0.3
HOLDOUT = Holdout(share=0.2, experiment="of-the-tests")
NET = 7.0
OFFER: Any = {"code": "pause", "expected": {"net_dollars": NET}}


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
    experiment, share = HOLDOUT.experiment, HOLDOUT.share
    bundle = (contract, ("age",), "v1", "0" * 64)
    possible = Possible(("pause",))
    header = JournalHeader(*bundle, THRESHOLD, SALT, possible=possible, experiment=experiment, holdout_share=share)
    lines = LineMaker(header)
    journal, outcomes = [lines.header], ["subscriber,left,accepted"]
    probabilities = generator.beta(2, 2, subscribers).round(4)
    for number, probability in enumerate(probabilities.tolist()):
        key = f"subscriber-{number}"
        arm = draw_arm(key, HOLDOUT)
        for visit, score in enumerate((probability, 1 - probability)):
            decision = None
            if visit == 0 and probability > THRESHOLD:
                shown: Any = {
                    "arm": arm,
                    "reasons": [],
                    "offer": OFFER if arm == "treatment" else None,
                    "language": "en",
                }
                decision = Decision(shown, Choice("pause", "pause", OFFER, [], [NET]), "risk", [])
            answer: Any = {"top_reasons": [], "show_retention_banner": bool(decision)}
            made = uuid.UUID(int=2 * number + visit).hex
            prediction = Prediction(score, (1.0,), (0.0,), 0.0)
            at_ns = begin + (visit * subscribers + number) * 10**6
            noted = Entry(at_ns, made, "", key, prediction, answer, decision, arm=arm)
            journal.append(lines.make_line(noted))
        is_shown = arm == "treatment" and probability > THRESHOLD
        left = generator.random() < probability + (effect if is_shown else 0)
        accepted = "" if not is_shown else "yes" if generator.random() < TAKE_UP else "no"
        outcomes.append(f"{key},{'yes' if left else 'no'},{accepted}")
    (log.journals / "one.jsonl").write_bytes(b"".join(journal))
    path = home / "outcomes.csv"
    path.write_text("\n".join(outcomes), encoding="utf-8")
    high = probabilities[probabilities > THRESHOLD]
    return path, float((np.clip(high + effect, 0, 1) - high).mean())
