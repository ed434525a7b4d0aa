"""Read from the prediction log how many requests and people came."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from churn.errors import DataError, RolloutError
from churn.model.pairs import Whole
from churn.prediction_log.batches import numbers_from_batch, us_from_time, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import describe_left_out, walk_log
from churn.prediction_log.segments import Progress
from churn.rollout.first_answers import Keys, keys_from_subscribers
from churn.rollout.forecast.traffic import DAY_H, HOUR_S, Traffic

HOUR_US, MINUTE_US = 3_600_000_000, 60_000_000
MOST_KEYS = 500_000  # kept at once, 16 bytes each; of more people a part is kept, chosen by their hash
LEAST_H = 1.0  # a shorter log tells nothing of a day
READ_S = 60.0  # after that no further file is read, and the newest hours tell of the day
GIVE_RATE = "give the requests in an hour: churn judge plan --requests-per-hour"


@dataclass(frozen=True, slots=True)
class LoggedTraffic:
    """What a log tells.

    Args:
        begin, end: of the time that it tells of.
        people: how many different ones, about.
        left_out: what damaged segments leave out; empty if nothing.
    """

    traffic: Traffic
    begin: datetime
    end: datetime
    records: int
    people: int
    left_out: str = ""


@dataclass(eq=False)
class Tally:
    """Count records by hour, and keep when each person asked first; of too many people, of those with a small hash.

    Args:
        named: records that name somebody.
        repeated: of these, those within a minute of another one of the same person and the same batch.
    """

    most: int = MOST_KEYS
    below: int = 2**64 - 1  # the largest hash that is kept
    by_hour: Counter[int] = field(default_factory=Counter)
    first_us: int | None = None
    keys: Keys = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    times_us: Whole = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    named: int = 0
    repeated: int = 0

    def add(self, times_us: Whole, subscribers: Sequence[str | None]) -> None:
        """Add records of these times, and of these people where they are named."""
        if not len(times_us):
            return
        hours, counts = np.unique(times_us // HOUR_US, return_counts=True)
        self.by_hour.update(dict(zip(hours.tolist(), counts.tolist(), strict=True)))
        first_us = int(times_us.min())
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        keys = keys_from_subscribers([text for text in subscribers if text is not None])
        named_us = times_us[[text is not None for text in subscribers]]
        self.named += len(keys)
        self.repeated += _count_repeats(keys, named_us)
        chosen = keys <= np.uint64(self.below)
        self.keys = np.concatenate([self.keys, keys[chosen]])
        self.times_us = np.concatenate([self.times_us, named_us[chosen]])
        if len(self.keys) > 2 * self.most:
            self.settle()

    def settle(self) -> None:
        """Keep the first time of each person, and no more people than may be kept."""
        order = np.lexsort((self.times_us, self.keys))
        keys = self.keys[order]
        firsts = order[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(order) else order
        self._choose(firsts)
        while len(self.keys) > self.most:
            self.below //= 2
            self._choose(np.flatnonzero(self.keys <= np.uint64(self.below)))

    def forget_before(self, time_us: int) -> None:
        """Forget all before the next full hour, since it was not read as a whole."""
        hour = -(-time_us // HOUR_US)
        self.first_us = hour * HOUR_US
        self.by_hour = Counter({known: count for known, count in self.by_hour.items() if known >= hour})
        self._choose(np.flatnonzero(self.times_us >= self.first_us))

    @property
    def people_each(self) -> float:
        """How many people each kept key stands for."""
        return 2.0**64 / (self.below + 1)

    def _choose(self, rows: Whole) -> None:
        self.keys, self.times_us = self.keys[rows], self.times_us[rows]


def read_traffic(
    places: Places | None,
    since: datetime,
    until: datetime,
    *,
    progress: Progress = lambda *_: None,
    read_s: float = READ_S,
) -> LoggedTraffic:
    """Read how many requests and different people came in each hour, the newest first, for so long at most.

    Raises:
        RolloutError: there is no log, or it tells of less than an hour.
        OSError, ChurnError: the log cannot be read.
    """
    places = _require_places(places)
    begin_us, end_us, begun_s = us_from_time(since), us_from_time(until), time.monotonic()
    tally, damaged = Tally(), list[DataError]()
    for file in walk_log(places, since, until, newest_first=True, progress=progress):
        if file.segment and time.monotonic() - begun_s > read_s:
            tally.settle()
            tally.forget_before(us_from_time(file.segment.last))  # all later records were read
            break
        for batch in file.read_batches(damaged=damaged):
            if not {"time", "subscriber"} <= set(batch.column_names):
                continue
            times_us = numbers_from_batch(batch, "time").astype(np.int64)
            rows = np.flatnonzero((times_us >= begin_us) & (times_us < end_us))
            subscribers = values_from_batch(batch, "subscriber")
            tally.add(times_us[rows], [subscribers[row] for row in rows])
    tally.settle()
    begin = until if tally.first_us is None else datetime.fromtimestamp(tally.first_us / 1e6, UTC)
    span_h = (until - begin).total_seconds() / HOUR_S
    if span_h < LEAST_H:
        raise RolloutError(
            f"{places.where} tells of the last {max(60 * span_h, 0):.0f} min only, so nobody knows how many "
            "requests come in a day",
            instead=f"wait until it tells of an hour at least; or {GIVE_RATE}",
        )
    return LoggedTraffic(
        _build_traffic(tally, begin.timestamp(), until.timestamp()),
        begin,
        until,
        tally.by_hour.total(),
        round(len(tally.keys) * tally.people_each),
        describe_left_out(damaged),
    )


def _count_repeats(keys: Keys, times_us: Whole) -> int:
    """Count the records that follow another one of the same key within a minute."""
    order = np.lexsort((times_us, keys))
    same, apart_us = keys[order][1:] == keys[order][:-1], np.diff(times_us[order])
    return int((same & (apart_us < MINUTE_US)).sum())


def _require_places(places: Places | None) -> Places:
    if places is None:
        raise RolloutError(
            "PREDICTION_LOG is `off`, so nobody knows how many requests come",
            instead=f"name in PREDICTION_LOG where the service logs; or {GIVE_RATE}",
        )
    if not places.is_remote and not Path(places.where).is_dir() and not places.journals.is_dir():
        raise RolloutError(
            f"there is no prediction log in {places.where}, so nobody knows how many requests come",
            instead=f"see that PREDICTION_LOG names the same place here and where the service runs; or {GIVE_RATE}",
        )
    return places


def _build_traffic(tally: Tally, begin_s: float, end_s: float) -> Traffic:
    hours = np.arange(int(begin_s // HOUR_S), int(end_s // HOUR_S) + 1)
    # The first and the last hour are not whole.
    seen_h = np.clip(np.minimum((hours + 1) * HOUR_S, end_s) - np.maximum(hours * HOUR_S, begin_s), 0, None) / HOUR_S
    requests = np.array([tally.by_hour[int(hour)] for hour in hours], dtype=float)
    of_day = hours % DAY_H
    lengths = np.bincount(of_day, seen_h, minlength=DAY_H)
    usual = requests.sum() / seen_h.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        # Of an hour that was hardly seen nothing is known.
        hourly = np.where(lengths > 0.1, np.bincount(of_day, requests, minlength=DAY_H) / lengths, usual)  # noqa: PLR2004
    if not len(tally.keys):
        return Traffic(tuple(hourly.tolist()))
    repeated = tally.repeated / tally.named
    new = np.bincount(tally.times_us // HOUR_US - hours[0], minlength=len(hours)) * tally.people_each
    return Traffic(
        tuple(hourly.tolist()),
        (0.0, *np.cumsum(requests).tolist()),
        (0.0, *np.cumsum(new).tolist()),
        repeated,
    )
