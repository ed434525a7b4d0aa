"""Sum up outcomes: how right each version was, and the effect of the banner."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from churn.errors import DataError
from churn.model.shelf import list_bundles
from churn.outcomes.estimates import Estimate, estimate_share
from churn.outcomes.experiment import Experiment, compare_arms
from churn.outcomes.join import Cohort, JoinedOutcomes, join_outcomes
from churn.outcomes.quality import ModelQuality, measure_quality
from churn.outcomes.ripeness import find_last_counted
from churn.outcomes.store import load_outcomes, locate_outcomes
from churn.outcomes.untreated import weigh_untreated
from churn.prediction_log.places import Places
from churn.prediction_log.segments import Progress


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
        experiment: the newest with a known outcome; the advice is its own.
        horizon_days: how old a prediction must be to count; None if the contract does not say.
        too_young: how many have younger predictions only.
        earlier: the experiments before it.
        missing: subscribers without an outcome, though outcomes of others who came then are known.
        unwatched: how many were not watched until the horizon of any prediction, and are left out.
    """

    known: int
    matched: int
    versions: tuple[ModelQuality, ...]
    experiment: Experiment
    offers: tuple[Acceptance, ...]
    horizon_days: int | None = None
    too_young: int = 0
    earlier: tuple[Experiment, ...] = ()
    missing: int = 0
    unwatched: int = 0

    def describe_missing(self) -> str:
        """Say of how many an outcome is missing; empty if of none."""
        if not self.missing:
            return ""
        return (
            f"The outcome of {self.missing:,} subscribers is missing, though it is known of others who came then. "
            "If they stayed, all figures of the models are wrong: import what became of everybody."
        )

    def describe_unwatched(self) -> str:
        """Say how many were not watched long enough; empty if all were."""
        if not self.unwatched:
            return ""
        return (
            f"{self.unwatched:,} were not watched for {self.horizon_days} days after any prediction, and are left out: "
            "import anew what became of them."
        )

    def describe_looks(self) -> str:
        """Say which intervals hold however often somebody looks."""
        return (
            "The intervals of calibration, accepted offers and the banner's effect hold at every look; those of AUC "
            "and lift hold for somebody who looks once."
            + (" While outcomes are missing, only that of the effect holds." if self.missing else "")
        )


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
    joined, known = join_imported(
        home, contract, places, now=now, horizon_days=horizon_days, damaged=damaged, progress=progress
    )
    return summarize_joined(joined, known, find_trained_auc(home, contract), horizon_days=horizon_days)


def join_imported(
    home: Path,
    contract: str,
    places: Places,
    *,
    now: datetime,
    horizon_days: int | None = None,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> tuple[JoinedOutcomes, int]:
    """Join the imported outcomes of a contract to its log. Return this, and how many were imported.

    Raises:
        DataError, OSError, ChurnError: as `summarize_outcomes`.
    """
    known = load_outcomes(locate_outcomes(home, contract))
    until = find_last_counted(now, horizon_days)
    joined = join_outcomes(places, known, until=until, horizon_days=horizon_days, damaged=damaged, progress=progress)
    return joined, len(known)


def find_trained_auc(home: Path, contract: str) -> dict[str, float | None]:
    """Return the AUC at training by version, of all bundles of a contract."""
    manifests = [bundle.manifest for bundle in list_bundles(home) if bundle.contract == contract and bundle.manifest]
    return {manifest.model_version: manifest.test_auc for manifest in manifests}


def summarize_joined(
    joined: JoinedOutcomes, known: int, trained_auc: Mapping[str, float | None], *, horizon_days: int | None = None
) -> OutcomeSummary:
    """Sum up outcomes that are joined to the log.

    Args:
        joined: the predictions that count.
        known: how many outcomes were imported.
        trained_auc: by version, on the holdout at training.
        horizon_days: how old a prediction had to be to count.
    """
    cohorts = joined.group_by_experiment()
    newest, *earlier = [compare_arms(cohort) for cohort in cohorts or [Cohort(None)]]
    return OutcomeSummary(
        known=known,
        matched=joined.matched,
        versions=tuple(
            measure_quality(version, predictions, trained_auc.get(version), weigh_untreated(joined, predictions))
            for version, predictions in joined.group_by_version().items()
        ),
        experiment=newest,
        offers=count_acceptance(cohorts),
        horizon_days=horizon_days,
        too_young=joined.too_young,
        earlier=tuple(earlier),
        missing=len(joined.missing),
        unwatched=joined.unwatched,
    )


def count_acceptance(cohorts: Sequence[Cohort]) -> tuple[Acceptance, ...]:
    """Count who accepted the first offer that they were made; of each subscriber it is asked once."""
    offered = {
        identity: member
        for cohort in cohorts  # the newest first, so that an earlier one replaces it
        for identity, member in cohort.members.items()
        if member.arm == "treatment" and member.offer and member.accepted is not None
    }.values()
    totals = Counter(member.offer for member in offered)
    hits = Counter(member.offer for member in offered if member.accepted)
    return tuple(
        Acceptance(str(code), n, hits[code], estimate_share(hits[code], n)) for code, n in sorted(totals.items())
    )
