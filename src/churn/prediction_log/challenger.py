"""The challenger: a second model that answers what the champion has answered, where nobody waits for it.

The writer of the prediction log asks it, a slice at a time, in its own thread and after the answer has gone: whatever
becomes of it, no answer is later, other or missing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Literal, Protocol

from churn.model.model import ChurnModel, Prediction

COMPLAIN_S = 60.0

log = logging.getLogger("churn.shadow")


type Pair = tuple[Prediction, Prediction]
"""What the champion said of somebody, and what the challenger said."""
type Miss = Literal["failed", "dropped"]


class Observer(Protocol):
    """Told what becomes of what the challenger was to answer; nothing it does may raise."""

    def paired(self, pairs: Sequence[Pair]) -> None:
        """It answered these, one at least."""

    def missed(self, why: Miss, count: int) -> None:
        """It did not answer so many."""


class Challenger:
    """The challenger in one worker.

    Args:
        model: of the same contract as the champion.
        bundle_sha256: of its bundle's manifest.
    """

    def __init__(self, model: ChurnModel, bundle_sha256: str) -> None:
        self.model = model
        self.bundle_sha256 = bundle_sha256
        self.observer: Observer | None = None
        self._failures = 0
        self._complained_s = float("-inf")

    def __str__(self) -> str:
        """Which bundle it is."""
        return f"{self.model.version} ({self.bundle_sha256[:12]})"

    def predictions(self, answered: Sequence[Prediction]) -> list[Prediction | None]:
        """What the challenger says of those to whom the champion said this, None where it fails; never raises.

        Args:
            answered: at least one.
        """
        try:
            found = self.model.predict_encoded([prediction.values for prediction in answered])
            whole = [prediction if 0 <= prediction.probability <= 1 else None for prediction in found]
            pairs = [(theirs, mine) for theirs, mine in zip(answered, whole, strict=True) if mine]
        except Exception as error:  # noqa: BLE001 - the champion's record is written all the same
            self._fail(len(answered), f"{type(error).__name__}: {error}")
            return [None] * len(answered)
        if self.observer and pairs:
            self.observer.paired(pairs)
        if len(pairs) < len(answered):
            self._fail(len(answered) - len(pairs), "what it says is no probability")
        return whole

    def drop(self) -> None:
        """Notes an answer that the challenger had no time for."""
        if self.observer:
            self.observer.missed("dropped", 1)

    def _fail(self, count: int, why: str) -> None:
        """Counts, and says so once a minute at most."""
        self._failures += count
        if self.observer:
            self.observer.missed("failed", count)
        now_s = time.monotonic()
        if now_s - self._complained_s >= COMPLAIN_S:
            self._complained_s = now_s
            log.warning("the challenger %s failed, %d times in this worker so far: %s", self, self._failures, why)
