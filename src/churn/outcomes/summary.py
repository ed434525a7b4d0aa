"""Sum up outcomes: how right each version was, and the effect of the banner."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest, rankdata

from churn.errors import DataError
from churn.judging.sequences import Proportions, confidence_sequence
from churn.model.shelf import list_bundles
from churn.outcomes.join import LabelledPrediction, join_outcomes
from churn.outcomes.store import load_outcomes, locate_outcomes
from churn.prediction_log.places import Places
from churn.prediction_log.segments import Progress

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
    """The predictions in one tenth of 0..1: their mean, and the share that left."""

    mean_predicted: float
    left: Estimate
    count: int


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """How right one version was. Each subscriber counts once.

    Args:
        auc: None if only one label occurs.
        trained_auc: on the holdout at training; None if no bundle has it.
        calibration: in ascending order of probability.
        calibration_error: the mean distance of predicted and observed, weighted by the bins' counts.
        lift: the share that left among the tenth with the highest probabilities, divided by the share among all. The
            interval takes the share among all as known. None if nobody left.
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
    """The effect of the banner on the share that leaves.

    Args:
        effect: the treatment's share minus the holdout's. Its interval holds at every look.
        torn: subscribers who were in both arms; they count in neither.
        advice: `stop` if surely more leave with the banner, `keep` if surely fewer leave.
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
    def is_comparable(self) -> bool:
        """Return whether both arms have subscribers."""
        return bool(self.holdout and self.treatment)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How many accepted an offer, among those whose answer is known."""

    offer: str
    offered: int
    accepted: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class OutcomeSummary:
    """The summary of all outcomes.

    Args:
        known: how many were imported.
        matched: how many of these have a prediction in the log that counts.
        horizon_days: how old a prediction must be to count; None if the contract does not say.
        too_young: how many have younger predictions only.
    """

    known: int
    matched: int
    versions: tuple[ModelQuality, ...]
    experiment: Experiment
    offers: tuple[Acceptance, ...]
    horizon_days: int | None = None
    too_young: int = 0


def summarize_outcomes(
    home: Path,
    contract: str,
    places: Places,
    *,
    now: datetime,
    horizon_days: int | None = None,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> OutcomeSummary:
    """Join the imported outcomes of a contract, below CHURN_HOME, to its log, and sum them up.

    A prediction that is younger than the horizon does not count, for it is not known yet who leaves in time.

    Raises:
        DataError: the file of outcomes is damaged.
        DataError, OSError, ChurnError: as `read_records`.
    """
    known = load_outcomes(locate_outcomes(home, contract))
    until = round((now - timedelta(days=horizon_days)).timestamp() * 1e6) if horizon_days else None
    joined = join_outcomes(places, known, until=until, damaged=damaged, progress=progress)
    manifests = [bundle.manifest for bundle in list_bundles(home) if bundle.contract == contract and bundle.manifest]
    trained_auc = {manifest.model_version: manifest.test_auc for manifest in manifests}
    arms = joined.group_by_arm()
    return OutcomeSummary(
        known=len(known),
        matched=joined.matched,
        versions=tuple(
            measure_quality(version, predictions, trained_auc.get(version))
            for version, predictions in joined.group_by_version().items()
        ),
        experiment=compare_arms(arms["holdout"], arms["treatment"], len(joined.torn)),
        offers=_count_acceptance(arms["treatment"]),
        horizon_days=horizon_days,
        too_young=joined.too_young,
    )


def measure_quality(
    version: str, predictions: Sequence[LabelledPrediction], trained_auc: float | None = None
) -> ModelQuality:
    """Measure how right a version was, by at least one prediction."""
    scores = np.array([prediction.probability for prediction in predictions])
    left = np.array([prediction.left for prediction in predictions])
    bins = _calibrate(scores, left)
    gaps = [bin_.count * abs(bin_.mean_predicted - bin_.left.value) for bin_ in bins]
    return ModelQuality(
        version=version,
        count=len(left),
        left=int(left.sum()),
        auc=measure_auc(scores, left) if 0 < left.sum() < len(left) else None,
        trained_auc=trained_auc,
        calibration=bins,
        calibration_error=sum(gaps) / len(left),
        lift=_measure_lift(scores, left) if left.any() else None,
    )


def measure_auc(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> Estimate:
    """Measure the area under the ROC curve; both labels must occur.

    The variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988), computed by ranks (Sun and Xu, IEEE
    Signal Processing Letters 2014). The interval is computed on log-odds, so that it stays between 0 and 1.
    """
    ranks, gone, stayed = rankdata(scores), int(left.sum()), int((~left).sum())
    # For each who left, the share of those who stayed with a lower score; and the reverse.
    above = (ranks[left] - rankdata(scores[left])) / stayed
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
    """Measure the effect of the banner on all subscribers of both arms, whatever they were shown or did."""
    held, treated = sum(case.left for case in holdout), sum(case.left for case in treatment)
    counts = Proportions(*(np.array([float(number)]) for number in (held, len(holdout), treated, len(treatment))))
    low, high = (float(end[0]) for end in confidence_sequence(counts, ALPHA))
    effect = Estimate(float(counts.effect()[0]), low, high)
    advice, reason = _advise(effect, min(len(holdout), len(treatment)))
    return Experiment(len(holdout), len(treatment), held, treated, effect, torn, advice, reason)


def estimate_share(hits: int, total: int) -> Estimate:
    """Estimate a share, with the interval of Wilson (JASA 1927)."""
    interval = binomtest(hits, total).proportion_ci(1 - ALPHA, method="wilson")
    return Estimate(hits / total, float(interval.low), float(interval.high))


def _advise(effect: Estimate, fewest: int) -> tuple[Advice, str]:
    if not fewest:
        return "hold", "there is nobody with a known outcome in one of the arms, so nothing can be compared"
    between = f"between {100 * effect.low:+.1f} and {100 * effect.high:+.1f} percentage points"
    if effect.low > 0:
        return "stop", f"the banner surely makes more subscribers leave, {between}: stop showing it"
    if effect.high < 0:
        return "keep", f"the banner surely makes fewer subscribers leave, {between}"
    return "hold", f"it is not yet sure what the banner does: {between}; go on measuring"


def _calibrate(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> tuple[Bin, ...]:
    at = np.minimum((scores * BINS).astype(int), BINS - 1)
    chosen = [at == number for number in np.unique(at)]
    return tuple(
        Bin(float(scores[own].mean()), estimate_share(int(left[own].sum()), int(own.sum())), int(own.sum()))
        for own in chosen
    )


def _measure_lift(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> Estimate:
    most = max(1, round(TOP_SHARE * len(scores)))
    top = left[np.argsort(-scores, kind="stable")[:most]]
    share, base = estimate_share(int(top.sum()), most), float(left.mean())
    return Estimate(share.value / base, share.low / base, share.high / base)


def _count_acceptance(treatment: Sequence[LabelledPrediction]) -> tuple[Acceptance, ...]:
    offered = [case for case in treatment if case.offer and case.accepted is not None]
    totals = Counter(case.offer for case in offered)
    hits = Counter(case.offer for case in offered if case.accepted)
    return tuple(
        Acceptance(str(code), n, hits[code], estimate_share(hits[code], n)) for code, n in sorted(totals.items())
    )
