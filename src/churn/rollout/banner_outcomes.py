"""Read from the log what became of the banners that both versions showed, for each subscriber once.

A subscriber counts for the version that showed them a banner first since the rollout began. What they did within an
hour of it counts, on this banner or on another one of the same version. Nobody counts before that hour is over, so both
versions' banners are equally old.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arro3.core import RecordBatch

from churn.errors import ChurnError
from churn.judging.banner_outcomes import BannerOutcomes, StepOutcomes
from churn.prediction_log.batches import us_from_time, values_from_batch
from churn.prediction_log.event_reader import events_from_batch
from churn.prediction_log.following import LogFollower
from churn.prediction_log.places import Places
from churn.prediction_log.reader import describe_left_out
from churn.rollout.routers.router import TRACKS, Track

WINDOW: Final = timedelta(hours=1)  # after a banner, in which what is done counts
SETTLED: Final = timedelta(minutes=15)  # after that, so that what happened is in the log
MOST_BANNERS: Final = 300_000  # with some 300 bytes of memory each; what comes later does not count
LOOK_S: Final = 3.0
WHAT_COUNTS: Final = ("accepted", "dismissed", "objected")
STILL_READ: Final = "the log of banners is still being read"
ALONE: Final = "no step has both versions at once, so nothing can be compared"
_HAS_BANNER: Final = b'"banner":true'
_COLUMNS: Final = ("prediction_id", "time", "subscriber", "banner", "arm", "bundle_sha256")


class _Shown(NamedTuple):
    """A banner: when it was shown, by which version, and to whom."""

    at_us: int
    track: Track
    subscriber: str


@dataclass(eq=False)
class BannerOutcomeReader:
    """Count what became of banners.

    Args:
        bundles: the sha256 of each track's bundle.
        read_now: the present time, as the services' clocks have it.
        trouble: what could not be read at the last look; empty if all could.
    """

    places: Places
    bundles: dict[Track, str]
    began: datetime
    read_now: Callable[[], float] = time.time
    most: int = MOST_BANNERS
    trouble: str = field(default="", init=False)
    _events: dict[str, dict[str, int]] = field(default_factory=dict, init=False)
    _banners: dict[str, _Shown] = field(default_factory=dict, init=False)
    _first: dict[str, _Shown] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._tracks = {sha256: track for track, sha256 in self.bundles.items()}
        self._event_log = LogFollower(self.places.banner_events, self.began)
        self._log = LogFollower(
            self.places, self.began, lambda header: header.get("bundle_sha256") in self._tracks, _HAS_BANNER
        )

    def look(self) -> None:
        """Read what is new, for some seconds at most. Without events, no prediction is read."""
        self.trouble, began_s = "", time.monotonic()

        def is_enough() -> bool:
            return time.monotonic() - began_s > LOOK_S

        try:
            for batch in self._event_log.read_new(is_enough):
                self._add_events(batch)
            damaged = self._event_log.damaged
            if self._events:
                for batch in self._log.read_new(is_enough):
                    self._add_banners(batch)
                damaged = [*damaged, *self._log.damaged]
            self.trouble = describe_left_out(damaged)
        except (ChurnError, OSError) as error:
            self.trouble = f"banner events cannot be read: {error}"
        except Exception as error:  # noqa: BLE001 - whatever a log holds, the canary is judged by all else
            self.trouble = f"the log of banner events holds what cannot be read: {error!r}"

    @property
    def is_behind(self) -> bool:
        """Whether something is left for the next look."""
        return self._event_log.is_behind or self._log.is_behind

    @property
    def has_events(self) -> bool:
        """Whether any event was reported since the rollout began."""
        return bool(self._events)

    def count(self, steps: Sequence[datetime]) -> tuple[StepOutcomes, ...]:
        """Count all that is an hour old, in each step, by when the steps began."""
        borders = [us_from_time(step) for step in steps]
        until_us = int(self.read_now() * 1e6) - (WINDOW + SETTLED) // timedelta(microseconds=1)
        done = self._find_done()
        counts = [{track: dict.fromkeys(asdict(BannerOutcomes()), 0) for track in TRACKS} for _ in borders]
        for subscriber, shown in self._first.items():
            step = bisect_right(borders, shown.at_us) - 1
            if step < 0 or shown.at_us > until_us:
                continue
            names = done.get(subscriber, set())
            of_track = counts[step][shown.track]
            of_track["shown"] += 1
            of_track["reported"] += bool(names)
            for name in names.intersection(WHAT_COUNTS):
                of_track[name] += 1
        return tuple(StepOutcomes(**{track: BannerOutcomes(**step[track]) for track in TRACKS}) for step in counts)

    def _find_done(self) -> dict[str, set[str]]:
        """Return what each subscriber did within the hour, on banners of the version that counts for them."""
        window_us = WINDOW // timedelta(microseconds=1)
        done: dict[str, set[str]] = {}
        for prediction_id, times in self._events.items():
            shown = self._banners.get(prediction_id)
            if shown is None:
                continue
            first = self._first[shown.subscriber]
            if first.track == shown.track:
                names = {name for name, at_us in times.items() if 0 <= at_us - first.at_us <= window_us}
                done.setdefault(shown.subscriber, set()).update(names)
        return done

    def _add_events(self, batch: RecordBatch) -> None:
        began_us = us_from_time(self.began)
        for event in events_from_batch(batch):
            if event.time < began_us or (event.prediction_id not in self._events and len(self._events) >= self.most):
                continue
            times = self._events.setdefault(event.prediction_id, {})
            times[event.event] = min(event.time, times.get(event.event, event.time))

    def _add_banners(self, batch: RecordBatch) -> None:
        columns = [values_from_batch(batch, name) for name in _COLUMNS]
        began_us = us_from_time(self.began)
        for prediction_id, at_us, subscriber, banner, arm, bundle in zip(*columns, strict=True):
            track = self._tracks.get(bundle)
            if not banner or arm == "holdout" or subscriber is None or track is None or at_us < began_us:
                continue
            if prediction_id not in self._banners and len(self._banners) >= self.most:
                continue
            shown = self._banners[prediction_id] = _Shown(at_us, track, subscriber)
            self._first[subscriber] = min(shown, self._first.get(subscriber, shown))
