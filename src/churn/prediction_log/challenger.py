"""The challenger: a second model that answers the champion's subscribers, too, in the background.

The log's writer asks it in its own thread, after the response was sent. So it cannot delay or change an answer.
"""

import logging
import time
from collections.abc import Sequence
from typing import Literal, Protocol

from churn.model.model import ChurnModel, Prediction

COMPLAIN_S = 60.0

log = logging.getLogger("churn.shadow")

type Pair = tuple[Prediction, Prediction]
"""The champion's prediction and the challenger's, for one subscriber."""
type Miss = Literal["failed", "dropped"]


class PairObserver(Protocol):
    """Counts pairs, and answers that the challenger did not give. Its methods never raise."""

    def count_pairs(self, pairs: Sequence[Pair]) -> None:
        """Count pairs, at least one."""

    def count_misses(self, why: Miss, count: int) -> None:
        """Count answers that the challenger did not give."""


class Challenger:
    """The challenger in one worker: a model of the champion's contract, and the sha256 of its bundle's manifest."""

    def __init__(self, model: ChurnModel, bundle_sha256: str) -> None:
        self.model = model
        self.bundle_sha256 = bundle_sha256
        self.observer: PairObserver | None = None
        self._failures = 0
        self._complained_s = float("-inf")

    def __str__(self) -> str:
        """Say which bundle it is."""
        return f"{self.model.version} ({self.bundle_sha256[:12]})"

    def predict(self, answered: Sequence[Prediction]) -> list[Prediction | None]:
        """Predict for the subscribers of the champion's predictions; None where it fails. Never raise."""
        try:
            answers = self.model.predict_encoded([prediction.values for prediction in answered])
            valid = [answer if 0 <= answer.probability <= 1 else None for answer in answers]
            pairs = [(theirs, mine) for theirs, mine in zip(answered, valid, strict=True) if mine]
        except Exception as error:  # noqa: BLE001 - the champion's record is written anyway
            self._fail(len(answered), f"{type(error).__name__}: {error}")
            return [None] * len(answered)
        if self.observer and pairs:
            self.observer.count_pairs(pairs)
        if len(pairs) < len(answered):
            self._fail(len(answered) - len(pairs), "what it says is no probability")
        return valid

    def drop(self) -> None:
        """Count an answer that the challenger had no time for."""
        if self.observer:
            self.observer.count_misses("dropped", 1)

    def _fail(self, count: int, why: str) -> None:
        """Count failures, and log a warning once a minute at most."""
        self._failures += count
        if self.observer:
            self.observer.count_misses("failed", count)
        now_s = time.monotonic()
        if now_s - self._complained_s >= COMPLAIN_S:
            self._complained_s = now_s
            log.warning("the challenger %s failed, %d times in this worker so far: %s", self, self._failures, why)
