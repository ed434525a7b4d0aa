"""Who is held out: a lot drawn by hashing, so that it falls the same in every process, worker and version."""

import hashlib

from churn.answers import Arm
from churn.retention.offers.document import Holdout

DIGEST_BYTES = 8
LOTS = 2 ** (8 * DIGEST_BYTES)


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
