"""The challenger: a second model that answers what the champion has answered, where nobody waits for it.

The writer of the prediction log asks it, a slice at a time, in its own thread and after the answer has gone: whatever
becomes of it, no answer is later, other or missing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from churn.model import ChurnModel, Prediction
from churn.prediction_log.record import Noted

COMPLAIN_S = 60.0

log = logging.getLogger("churn.shadow")


type Pair = tuple[Prediction, Prediction]
"""What the champion said of somebody, and what the challenger said."""


class Challenger:
    """The challenger in one worker. `paired` and `failed` are counts since its start.

    Args:
        model: of the same contract as the champion.
        bundle_sha256: of its bundle's manifest.
        observe: told of all pairs of a slice, for counting.
    """

    def __init__(
        self, model: ChurnModel, bundle_sha256: str, *, observe: Callable[[Sequence[Pair]], None] = lambda _: None
    ) -> None:
        self.model = model
        self.bundle_sha256 = bundle_sha256
        self.observe = observe
        self.paired = 0
        self.failed = 0
        self._complained_s = float("-inf")

    def __str__(self) -> str:
        """Which bundle it is."""
        return f"{self.model.version} ({self.bundle_sha256[:12]})"

    def predictions(self, answered: Sequence[Noted]) -> list[Prediction | None]:
        """What the challenger says of those who were answered, None where it fails; never raises.

        Args:
            answered: at least one.
        """
        try:
            found = self.model.predict_encoded([noted.prediction.values for noted in answered])
            whole = [prediction if 0 <= prediction.probability <= 1 else None for prediction in found]
            pairs = [(noted.prediction, mine) for noted, mine in zip(answered, whole, strict=True) if mine]
            if pairs:
                self.observe(pairs)
        except Exception as error:  # noqa: BLE001 - the champion's record is written all the same
            self._failed(len(answered), f"{type(error).__name__}: {error}")
            return [None] * len(answered)
        self.paired += len(pairs)
        if len(pairs) < len(answered):
            self._failed(len(answered) - len(pairs), "what it says is no probability")
        return whole

    def _failed(self, count: int, why: str) -> None:
        """Counts, and says so once a minute at most."""
        self.failed += count
        now_s = time.monotonic()
        if now_s - self._complained_s >= COMPLAIN_S:
            self._complained_s = now_s
            log.warning("the challenger %s failed, %d times since the start of this worker: %s", self, self.failed, why)
