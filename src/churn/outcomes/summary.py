"""What outcomes say: whether the models were right, and what the banner does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest, rankdata

from churn.judging.sequences import Proportions, confidence_sequence
from churn.model.shelf import list_bundles
from churn.outcomes.join import LabelledPrediction, join_outcomes
from churn.outcomes.store import load_outcomes, locate_outcomes
from churn.prediction_log.places import Places

type Advice = Literal["keep", "hold", "stop"]

ALPHA = 0.05
BINS = 10
TOP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the 95 % interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of one tenth of 0..1: what was said on average, and the share that left."""

    mean_predicted: float
    left: Estimate
    count: int


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """How right one version was, each subscriber once.

    Args:
        version: of the model.
        count: of subscribers.
        left: how many of them left.
        auc: None where only one label occurs.
        trained_auc: of the holdout at training; None if no bundle tells it.
        calibration: in ascending order of probability.
        calibration_error: mean distance of predicted and observed over the bins, weighted by their counts.
        lift: the share that left among the tenth with the highest probabilities, over the share among all; the interval
            takes the latter as given. None if nobody left.
    """

    version: str
    count: int
    left: int
    auc: Estimate | None
    trained_auc: float | None
    calibration: tuple[Bin, ...]
    calibration_error: float
    lift: Estimate | None


@dataclass(frozen=True, slots=True)
class Experiment:
    """What the banner does to the share that leaves, by comparing those held out.

    Args:
        holdout, treatment: subscribers in each arm.
        holdout_left, treatment_left: how many of them left.
        effect: treatment minus holdout; its interval holds however often one looks.
        torn: subscribers who were in both arms, and count in neither.
        advice: `stop` where the banner surely makes more leave, `keep` where it surely makes fewer leave.
        reason: in words.
    """

    holdout: int
    treatment: int
    holdout_left: int
    treatment_left: int
    effect: Estimate
    torn: int
    advice: Advice
    reason: str

    @property
    def compared(self) -> bool:
        """Whether there is anybody in both arms."""
        return bool(self.holdout and self.treatment)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How many of those who were offered something, and of whom it is known, accepted."""

    offer: str
    offered: int
    accepted: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class OutcomeSummary:
    """What all outcomes say.

    Args:
        known: how many outcomes were imported.
        matched: how many of them are of a logged prediction.
        versions: how right each was.
        experiment: what the banner does.
        offers: how many accepted each.
    """

    known: int
    matched: int
    versions: tuple[ModelQuality, ...]
    experiment: Experiment
    offers: tuple[Acceptance, ...]


def summarize_outcomes(
    home: Path, contract: str, places: Places, *, progress: Callable[[int, int], None] = lambda *_: None
) -> OutcomeSummary:
    """Join the imported outcomes to the prediction log, and sum up what they say.

    Args:
        home: CHURN_HOME.
        contract: its name.
        places: of its prediction log.
        progress: told (done, total) segments.

    Raises:
        DataError: outcomes or a segment are damaged; names it.
        OSError: a folder cannot be read.
        ChurnError: the object store cannot be used.
    """
    known = load_outcomes(locate_outcomes(home, contract))
    joined = join_outcomes(places, known, progress=progress)
    manifests = [bundle.manifest for bundle in list_bundles(home) if bundle.contract == contract and bundle.manifest]
    trained_auc = {manifest.model_version: manifest.test_auc for manifest in manifests}
    arms = joined.group_by_arm()
    return OutcomeSummary(
        known=len(known),
        matched=joined.matched,
        versions=tuple(
            measure_quality(name, made, trained_auc.get(name)) for name, made in joined.group_by_version().items()
        ),
        experiment=compare_arms(arms["holdout"], arms["treatment"], len(joined.torn)),
        offers=_acceptance(arms["treatment"]),
    )


def measure_quality(
    version: str, predicted: Sequence[LabelledPrediction], trained_auc: float | None = None
) -> ModelQuality:
    """How right a version was; at least one prediction."""
    scores = np.array([each.probability for each in predicted])
    left = np.array([each.left for each in predicted])
    bins = _calibration(scores, left)
    gaps = [each.count * abs(each.mean_predicted - each.left.value) for each in bins]
    return ModelQuality(
        version=version,
        count=len(left),
        left=int(left.sum()),
        auc=measure_auc(scores, left) if 0 < left.sum() < len(left) else None,
        trained_auc=trained_auc,
        calibration=bins,
        calibration_error=sum(gaps) / len(left),
        lift=_lift(scores, left) if left.any() else None,
    )


def measure_auc(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> Estimate:
    """The area under the ROC curve; both labels must occur.

    Its variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988), by ranks as Sun and Xu have it (IEEE
    Signal Processing Letters 2014); the interval is taken on log-odds, so that it stays between 0 and 1.
    """
    ranks, gone, stayed = rankdata(scores), int(left.sum()), int((~left).sum())
    above = (
        ranks[left] - rankdata(scores[left])
    ) / stayed  # of each who left: the share of those who stayed below them
    below = 1 - (ranks[~left] - rankdata(scores[~left])) / gone
    area = float(above.mean())
    if min(gone, stayed) == 1 or not 0 < area < 1:
        return Estimate(area, 0.0, 1.0)
    deviation = np.sqrt(above.var(ddof=1) / gone + below.var(ddof=1) / stayed) / (area * (1 - area))
    middle, half = np.log(area / (1 - area)), ndtri(1 - ALPHA / 2) * deviation
    low, high = (float(1 / (1 + np.exp(-end))) for end in (middle - half, middle + half))
    return Estimate(area, low, high)


def compare_arms(
    holdout: Sequence[LabelledPrediction], treatment: Sequence[LabelledPrediction], torn: int = 0
) -> Experiment:
    """What the banner does, by all who were in either arm, whatever they were shown or did."""
    held, treated = sum(each.left for each in holdout), sum(each.left for each in treatment)
    counts = Proportions(*(np.array([float(each)]) for each in (held, len(holdout), treated, len(treatment))))
    low, high = (float(end[0]) for end in confidence_sequence(counts, ALPHA))
    effect = Estimate(float(counts.effect()[0]), low, high)
    advice, reason = _advice(effect, min(len(holdout), len(treatment)))
    return Experiment(len(holdout), len(treatment), held, treated, effect, torn, advice, reason)


def estimate_share(hits: int, total: int) -> Estimate:
    """A share with the interval of Wilson (JASA 1927)."""
    found = binomtest(hits, total).proportion_ci(1 - ALPHA, method="wilson")
    return Estimate(hits / total, float(found.low), float(found.high))


def _advice(effect: Estimate, fewest: int) -> tuple[Advice, str]:
    if not fewest:
        return "hold", "there is nobody with a known outcome in one of the arms, so nothing can be compared"
    between = f"between {100 * effect.low:+.1f} and {100 * effect.high:+.1f} percentage points"
    if effect.low > 0:
        return "stop", f"the banner surely makes more subscribers leave, {between}: stop showing it"
    if effect.high < 0:
        return "keep", f"the banner surely makes fewer subscribers leave, {between}"
    return "hold", f"it is not yet sure what the banner does: {between}; go on measuring"


def _calibration(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> tuple[Bin, ...]:
    at = np.minimum((scores * BINS).astype(int), BINS - 1)
    chosen = [at == number for number in np.unique(at)]
    return tuple(
        Bin(float(scores[own].mean()), estimate_share(int(left[own].sum()), int(own.sum())), int(own.sum()))
        for own in chosen
    )


def _lift(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> Estimate:
    most = max(1, round(TOP_SHARE * len(scores)))
    top = left[np.argsort(-scores, kind="stable")[:most]]
    found, base = estimate_share(int(top.sum()), most), float(left.mean())
    return Estimate(found.value / base, found.low / base, found.high / base)


def _acceptance(treatment: Sequence[LabelledPrediction]) -> tuple[Acceptance, ...]:
    offered = [each for each in treatment if each.offer and each.accepted is not None]
    totals = Counter(each.offer for each in offered)
    hits = Counter(each.offer for each in offered if each.accepted)
    return tuple(
        Acceptance(str(code), n, hits[code], estimate_share(hits[code], n)) for code, n in sorted(totals.items())
    )
