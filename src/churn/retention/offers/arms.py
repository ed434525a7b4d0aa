"""Who is held out, and who gets an action by lot. A lot is a hash, so it falls the same in every process and version.

Lots of different purposes are drawn independently of one another.
"""

import hashlib
from collections.abc import Sequence
from datetime import date

from churn.answers import Arm
from churn.retention.offers.document import Explore, Holdout

EPOCH_DAY = date(1970, 1, 1).toordinal()
DIGEST_BYTES = 8
LOTS: int = 2 ** (8 * DIGEST_BYTES)


def draw_arm(key: str | None, holdout: Holdout) -> Arm:
    """Draw the arm of a subscriber.

    The lot is the BLAKE2b hash of the key, keyed with the experiment's name, as a number from 0 to 2**64 - 1. Lots
    below `share` of 2**64 are held out. Nothing else decides. Two experiments draw independently. A larger share keeps
    in the holdout everybody who was there. Without a key nobody is held out, since it could not be kept up.
    """
    if not key:
        return "unassigned"
    digest = hashlib.blake2b(key.encode(), key=holdout.experiment.encode(), digest_size=DIGEST_BYTES).digest()
    return "holdout" if int.from_bytes(digest) < holdout.share * LOTS else "treatment"


def draw_action(key: str, experiment: str, explore: Explore, today: date, *, best: str, tried: Sequence[str]) -> str:
    """Draw the action of a subscriber: in `share` of all cases one of `tried`, each as likely, else the best.

    The lot is the BLAKE2b hash of the key, keyed with the experiment's name and personalised with the period. Its
    first 64 bits say whether an action is drawn, the others which. A subscriber keeps it for the whole period. The
    holdout has the lot that it would have otherwise.
    """
    lot = hashlib.blake2b(
        key.encode(), key=experiment.encode(), person=_name_period("explore", explore, today), digest_size=16
    ).digest()
    if int.from_bytes(lot[:DIGEST_BYTES]) >= explore.share * LOTS:
        return best
    return tried[int.from_bytes(lot[DIGEST_BYTES:]) * len(tried) // LOTS]


def takes_part_below(key: str | None, experiment: str, explore: Explore, today: date) -> bool:
    """Return whether a subscriber below the threshold takes part, so that one learns whether it is right."""
    if not explore.below_threshold or not key:
        return False
    person = _name_period("below", explore, today)
    digest = hashlib.blake2b(key.encode(), key=experiment.encode(), person=person, digest_size=DIGEST_BYTES).digest()
    return int.from_bytes(digest) < explore.below_threshold * LOTS


def _name_period(purpose: str, explore: Explore, today: date) -> bytes:
    """Name a purpose and a period in at most 16 bytes, which is what BLAKE2b takes."""
    return f"{purpose} {(today.toordinal() - EPOCH_DAY) // explore.period_days}".encode()
