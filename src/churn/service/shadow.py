"""The challenger that shadows the service, from the settings to what the prediction log asks and /metrics tells."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from churn.errors import ChurnError, SettingsError
from churn.model.bundle import Bundle, load_bundle
from churn.model.model import Prediction
from churn.model.pairs import Side, compare
from churn.prediction_log.challenger import Challenger, Miss, Pair
from churn.service.counting import Counting
from churn.service.recording import OFF
from churn.settings import Settings

type FindChallenger = Callable[[Settings, Bundle], Challenger | None]

log = logging.getLogger("churn.shadow")


def challenger_of(settings: Settings, champion: Bundle) -> Challenger | None:
    """The challenger that the settings name; None if they name none.

    Raises:
        BundleError: its bundle is missing or damaged.
        SettingsError: it answers another contract than the champion, or there is no log to write to.
    """
    path = settings.challenger_path
    if path is None:
        return None
    if settings.prediction_log == OFF:
        raise SettingsError(
            "CHALLENGER_PATH is set and PREDICTION_LOG is `off`, but the challenger answers into the prediction log",
            instead="unset PREDICTION_LOG or name a place, or unset CHALLENGER_PATH",
        )
    bundle = load_bundle(path)
    mine, theirs = champion.manifest, bundle.manifest
    if mine.contract_fingerprint != theirs.contract_fingerprint:
        raise SettingsError(
            f"CHALLENGER_PATH: the bundle at {path} answers the contract {theirs.contract} (fingerprint "
            f"{theirs.contract_fingerprint[:12]}), the champion at {champion.path} the contract {mine.contract} "
            f"({mine.contract_fingerprint[:12]})",
            instead="set it to a bundle of the champion's contract",
        )
    return Challenger(bundle.model, bundle.sha256)


def challenger_if_it_can(settings: Settings, champion: Bundle) -> Challenger | None:
    """The same for a worker that replaces one that died: the service needs it, with or without a challenger."""
    try:
        return challenger_of(settings, champion)
    except (ChurnError, OSError) as error:
        log.error("this worker has no challenger: %s", error)  # noqa: TRY400 - the sentence says it all
        return None


class CountedPairs:
    """Counts what becomes of each answer that a challenger is to answer too.

    Args:
        challenger: which.
        counting: where.
        threshold: the banner is shown above this probability.
    """

    def __init__(self, challenger: Challenger, counting: Counting, *, threshold: float) -> None:
        self._counting = counting
        self._threshold = threshold
        counting.challenger = (challenger.model.version, challenger.bundle_sha256)

    def paired(self, pairs: Sequence[Pair]) -> None:
        """Compares and counts."""
        champion, challenger = zip(*pairs, strict=True)
        self._counting.paired(compare(_side(champion), _side(challenger), self._threshold))

    def missed(self, why: Miss, count: int) -> None:
        """Counts."""
        self._counting.shadowed(why, count)


def _side(predictions: Sequence[Prediction]) -> Side:
    probabilities, _, contributions, _ = zip(*predictions, strict=True)
    return Side(np.array(probabilities), np.array(contributions))
