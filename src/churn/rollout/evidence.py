"""Find what pairs are read from: the log, and both bundles. Say before a rollout whether there will be any.

The judge compares scores, banners, tiers and reasons in pairs. Without pairs it can only hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from churn.errors import BundleError, ChurnError, RolloutError
from churn.judging.banner_outcomes import StepOutcomes
from churn.judging.guardrails import Guardrails
from churn.model.bundle import Bundle, load_bundle
from churn.model.shelf import Shelf
from churn.prediction_log.batches import values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import walk_log
from churn.rollout.banner_outcomes import ALONE, STILL_READ, BannerOutcomeReader
from churn.rollout.paired import SAME_PLACE, SWITCH_ON_KEYS, WITHOUT, Evidence, PairReader, Versions
from churn.rollout.state import JUDGED, Rollout
from churn.rollout.state import Bundle as Served

MOST_FILES = 50  # of the log, the newest, in which keys are looked for before a rollout


class EvidenceSource(Protocol):
    """Know what both versions said of the same subscribers."""

    def look(self, rollout: Rollout) -> Evidence:
        """Return all that is known at this look. Never raise."""


@dataclass(eq=False, kw_only=True)
class LogEvidence:
    """Read pairs from the prediction log.

    Args:
        places: of the log; None if the settings want none.
        shelf: where both bundles lie.
        bundle_keys: a file of public keys, one of which must have signed a bundle; None if none need be signed.
        threshold: above which the banner is shown, if the settings say so.
        began: when the rollout began, in seconds since 1970, as its first event has it. `Rollout.began` moves where the
            clock jumps, and records do not.
        steps: when each step began, as far as known; later ones are added.
    """

    places: Places | None
    shelf: Shelf
    bundle_keys: Path | None = None
    threshold: float | None = None
    began: float | None = None
    steps: dict[int, float] = field(default_factory=dict)
    _banners: BannerOutcomeReader | None = field(default=None, init=False)
    _reader: PairReader | None = field(default=None, init=False)

    def look(self, rollout: Rollout) -> Evidence:
        """Read what is new. As long as something is missing, look for it again."""
        try:
            self._reader = self._reader or self._open(rollout)
        except (ChurnError, OSError) as error:
            why = describe_error(error)
            return Evidence(None, why, guardrails=Guardrails(no_net_value=why) if rollout.plan.guardrails else None)
        evidence = self._reader.look()
        if evidence.guardrails is None or self._banners is None:
            return evidence
        banners, why = self._count_banners(self._banners, rollout)
        guardrails = replace(evidence.guardrails, banners=banners, no_banners=why)
        return evidence._replace(guardrails=guardrails, trouble=evidence.trouble or self._banners.trouble)

    def _count_banners(
        self, banners: BannerOutcomeReader, rollout: Rollout
    ) -> tuple[tuple[StepOutcomes, ...] | None, str]:
        """Count what became of banners in the steps that had both versions, or say why nobody knows."""
        if rollout.state in JUDGED:
            self.steps.setdefault(rollout.step, rollout.since)
        if not rollout.plan.last:
            return None, ALONE
        banners.look()
        if why := banners.trouble or (STILL_READ if banners.is_behind else ""):
            return (), why
        if not banners.has_events:
            return None, ""
        begins = sorted(self.steps.items())
        counted = banners.count([datetime.fromtimestamp(at, UTC) for _, at in begins])
        last = rollout.plan.last
        return tuple(of_step for (step, _), of_step in zip(begins, counted, strict=True) if step < last), ""

    def require_possible(self, stable: Served, count_answered: Callable[[], int]) -> str:
        """Refuse if there can be no pairs. Return what could not be found out; empty if all is there.

        Args:
            count_answered: returns how many predictions stable has answered.

        Raises:
            ChurnError: there is no log, it names no subscribers, or stable's bundle is not here.
        """
        places = self._require_places()
        self._load(stable.version, stable.sha256)
        answered = count_answered()  # first, since a record is written after its answer
        records, with_key = count_keys(places, stable.sha256)
        if with_key:
            return ""
        if records:
            raise RolloutError(
                f"none of {records:,} records of {stable.version} in {places.where} names a subscriber",
                instead=SWITCH_ON_KEYS,
            )
        if answered:
            raise RolloutError(
                f"{stable.version} has answered {answered:,} predictions, and none of them is in {places.where}",
                instead=f"{SAME_PLACE}; if it has just started, wait until its first segment closes",
            )
        return (
            f"{stable.version} has answered nobody yet, so nobody knows whether {places.where} names subscribers; "
            "without their keys the model's checks will hold"
        )

    def _open(self, rollout: Rollout) -> PairReader:
        if not rollout.stable_sha256 or not rollout.canary_sha256:
            raise RolloutError("no instance has said yet which bundle it serves", instead="see that both tracks answer")
        stable = self._load(rollout.stable, rollout.stable_sha256)
        try:
            canary = self._load(rollout.canary, rollout.canary_sha256)
        except BundleError:  # it answers itself; only what a shadow said needs it
            canary = None
        versions = Versions(
            stable=stable,
            canary_version=rollout.canary,
            canary_sha256=rollout.canary_sha256,
            canary=canary,
            began=datetime.fromtimestamp(rollout.began if self.began is None else self.began, UTC),
            threshold=self.threshold,
        )
        self._banners = BannerOutcomeReader(
            self._require_places(), {"stable": stable.sha256, "canary": rollout.canary_sha256}, versions.began
        )
        return PairReader(self._require_places(), versions, has_guardrails=rollout.plan.guardrails)

    def _require_places(self) -> Places:
        if self.places is None:
            raise RolloutError(
                "PREDICTION_LOG is `off`, so nobody knows what both versions say of the same subscribers",
                instead=f"name in PREDICTION_LOG where the service logs; {WITHOUT}",
            )
        if not self.places.is_remote and not Path(self.places.where).is_dir():
            raise RolloutError(f"there is no prediction log in {self.places.where}", instead=f"{SAME_PLACE}; {WITHOUT}")
        return self.places

    def _load(self, version: str, sha256: str) -> Bundle:
        path = self.shelf.find(sha256)
        if path is None:
            raise BundleError(
                f"no bundle in {self.shelf.folder} is {version} (bundle {sha256[:8]}), which is to answer the canary's "
                "subscribers",
                instead=f"export it there: churn export; or copy it from where it is served; {WITHOUT}",
            )
        try:
            return load_bundle(path, self.bundle_keys)
        except BundleError as error:  # of another contract, for example
            raise BundleError(error.message, instead=f"{error.instead}; {WITHOUT}") from error


def describe_error(error: ChurnError | OSError) -> str:
    """Say in one sentence what is wrong, and what to do."""
    instead = getattr(error, "instead", None)
    return f"{error}; {instead}" if instead else str(error)


def count_keys(places: Places, bundle_sha256: str) -> tuple[int, int]:
    """Count the newest records of a bundle, and those of them that name a subscriber, until one does.

    Raises:
        OSError, ChurnError: the log cannot be read.
    """
    records = 0
    for number, file in enumerate(walk_log(places, newest_first=True)):
        if number >= MOST_FILES:
            break
        for batch in file.read_batches(damaged=[]):
            if values_from_batch(batch, "bundle_sha256")[0] == bundle_sha256:
                records += batch.num_rows
                if with_key := sum(key is not None for key in values_from_batch(batch, "subscriber")):
                    return records, with_key
    return records, 0
