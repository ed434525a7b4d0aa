"""How many requests and people come, hour by hour of a day."""

from dataclasses import dataclass
from typing import Self

import numpy as np

DAY_H = 24
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What comes to both versions together.

    Args:
        hourly: the requests in each hour of a day, in UTC.
        seen_requests, seen_people: how many different people were among the first so many requests; both rise from 0.
            Empty if nobody is named.
        repeated: the share of requests that come within a minute of another one by the same subscriber.
    """

    hourly: tuple[float, ...]
    seen_requests: tuple[float, ...] = ()
    seen_people: tuple[float, ...] = ()
    repeated: float = 0.0

    @classmethod
    def from_rate(cls, requests_per_hour: float, requests_each: float) -> Self:
        """Make the traffic of people who come at the same pace all day, and ask so often each."""
        return cls((requests_per_hour,) * DAY_H, (0.0, requests_each), (0.0, 1.0))

    @property
    def per_day(self) -> float:
        """The requests of a day."""
        return sum(self.hourly)

    def count_requests(self, begin_s: float, end_s: float) -> float:
        """Return how many requests come between two times, in seconds since 1970."""
        hours = np.array([begin_s, end_s]) / HOUR_S
        days, of_day = np.divmod(hours, DAY_H)
        sums = np.concatenate([[0.0], np.cumsum(self.hourly)])
        begin, end = days * sums[-1] + np.interp(of_day, np.arange(DAY_H + 1), sums)
        return float(end - begin)

    def count_people(self, requests: float) -> float:
        """Return how many different people are among so many requests.

        Beyond what was seen, new people come at the pace of the latter half of it: many who ask were there before.
        """
        if not self.seen_requests:
            return 0.0
        most, people = self.seen_requests[-1], self.seen_people[-1]
        if requests <= most:
            return float(np.interp(requests, self.seen_requests, self.seen_people))
        pace = (people - float(np.interp(most / 2, self.seen_requests, self.seen_people))) / (most / 2)
        return people + pace * (requests - most)
