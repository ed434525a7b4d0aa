"""What one worker counts, in a few microseconds for each request."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from churn.answers import PredictionAnswer, Reason, Retention
from churn.judging import metrics
from churn.judging.metrics import (
    KINDS,
    LATENCY_BOUNDS_S,
    NOT_ANSWERED,
    OTHER,
    PROBABILITY_BOUNDS,
    STAGE_CELL_BOUNDS_S,
    STAGES,
    TOP_REASONS,
    KeyResult,
    Stage,
)
from churn.service.counting.layout import NO_OFFER, ServedModel, count_cells, lay_out_cells
from churn.service.counting.ledger import Ledger, Numbers
from churn.service.counting.moments import Moments

NS = 1e9
LATENCY_BOUNDS_NS = tuple(bound_s * NS for bound_s in LATENCY_BOUNDS_S)
LATENCY_SUM = len(LATENCY_BOUNDS_S) + 1
PROBABILITY_SUM = len(PROBABILITY_BOUNDS) + 1
STAGE_SUM = len(STAGE_CELL_BOUNDS_S) + 1
STATUS_CODES = range(100, 600)


class Counters:
    """What one process counts, and the totals of all processes that share the ledger.

    Args:
        served: what the service serves.
        ledger: shared with the other workers; by default one of its own.
    """

    def __init__(self, served: ServedModel, ledger: Ledger | None = None) -> None:
        self.served = served
        self.challenger: tuple[str, ...] = ()
        self.layout = lay_out_cells(served)
        first = {metric: cells.first_cells() for metric, cells in self.layout.items()}
        self._queue = first[metrics.QUEUE][()]
        self.ledger = ledger or Ledger(count_cells(self.layout))
        self._gauges = [cell for metric, cells in first.items() if metric.kind == "gauge" for cell in cells.values()]
        self.cells = self.ledger.claim(gauges=self._gauges)
        self._stages = {stage: first[metrics.STAGE_DURATION][stage,] for stage in STAGES}
        self._routes = {
            route: (cell, {status: first[metrics.REQUESTS][route, _status_class(status)] for status in STATUS_CODES})
            for (route,), cell in first[metrics.REQUEST_DURATION].items()
        }
        self._retries = {status: first[metrics.RETRIES][_status_class(status),] for status in STATUS_CODES}
        self._retry_duration = first[metrics.RETRY_DURATION][()]
        self._repeats = {status: first[metrics.REPEATS][_status_class(status),] for status in STATUS_CODES}
        self._repeat_duration = first[metrics.REPEAT_DURATION][()]
        self.moments = Moments(self.ledger.moments)
        self._kinds = {kind: cell for (kind,), cell in first[metrics.ERRORS].items()}
        self._tiers = {tier: cell for (_, tier), cell in first[metrics.PREDICTIONS].items()}
        self._probability = self.layout[metrics.PROBABILITY].first
        # A set of features is the sum of their bits, whatever their order.
        self._bits = {name: 1 << number for number, name in enumerate(served.features)}
        self._sets = {
            sum(bits): cell
            for bits, cell in zip(
                combinations(self._bits.values(), TOP_REASONS), first[metrics.TOP_SET].values(), strict=True
            )
        }
        self._banners = self.layout[metrics.BANNERS].first
        self._retention = first[metrics.RETENTION]
        self._batch_rows = first[metrics.BATCH_ROWS]
        self._callers = first[metrics.CALLERS]
        self._keys_read = first[metrics.KEYS_READ]
        self._refused_connections = first[metrics.REFUSED_CONNECTIONS][()]
        self._banner_events = first[metrics.BANNER_EVENTS]
        self._log_records = first[metrics.LOG_RECORDS]
        self._log_lines_lost = first[metrics.LOG_LINES_LOST][()]
        self._spans_lost = first[metrics.SPANS_LOST][()]
        self._workers_missing = first[metrics.WORKERS_MISSING][()]
        self._workers_lost = first[metrics.WORKERS_LOST]
        self._log_trouble = first[metrics.LOG_TROUBLE]

    def start_clock(self) -> StageClock:
        """Return a clock for one request. It starts now."""
        return StageClock(self.cells, self._stages)

    def count_request(self, path: str, status: int, took_ns: int) -> int:
        """Count a request that has ended; a path that is none of the service's as `other`. Return its bucket."""
        duration, statuses = self._routes.get(path) or self._routes[OTHER]
        cells, bucket = self.cells, bisect_left(LATENCY_BOUNDS_NS, took_ns)
        cells[duration + bucket] += 1
        cells[duration + LATENCY_SUM] += took_ns
        cells[statuses[status]] += 1
        return bucket

    def count_retry(self, status: int, took_ns: int, bucket: int) -> None:
        """Count that a request of /predict was one that somebody sent again."""
        self.cells[self._retries[status]] += 1
        self.cells[self._retry_duration + bucket] += 1
        self.cells[self._retry_duration + LATENCY_SUM] += took_ns

    def count_repeat(self, status: int, took_ns: int, bucket: int) -> None:
        """Count that a request of /predict came within a minute of another one: `moments` says so."""
        cells, duration = self.cells, self._repeat_duration
        cells[self._repeats[status]] += 1
        cells[duration + bucket] += 1
        cells[duration + LATENCY_SUM] += took_ns

    def count_error(self, kind: str) -> None:
        """Count a request that got an error."""
        self.cells[self._kinds[kind]] += 1

    def count_prediction(
        self, answer: PredictionAnswer, strongest: Sequence[Reason], retention: Retention | None
    ) -> None:
        """Count the answer about one subscriber.

        Args:
            answer: what was answered.
            strongest: the reasons by size, three at least, however many are in the answer.
            retention: what the banner holds, where there is one.
        """
        cells = self.cells
        probability = answer["churn_probability"]
        cells[self._tiers[answer["risk_tier"]]] += 1
        cells[self._probability + bisect_left(PROBABILITY_BOUNDS, probability)] += 1
        cells[self._probability + PROBABILITY_SUM] += probability
        first, second, third = strongest[:TOP_REASONS]
        features = self._bits[first["feature"]] + self._bits[second["feature"]] + self._bits[third["feature"]]
        cells[self._sets[features]] += 1
        if retention is not None:
            offer = retention["offer"]
            cells[self._banners] += answer["show_retention_banner"]
            cells[self._retention[retention["arm"], offer["code"] if offer else NO_OFFER]] += 1

    def count_batch(self, *, answered: int, refused: int) -> None:
        """Count the rows of a batch."""
        self.cells[self._batch_rows["answered",]] += answered
        self.cells[self._batch_rows["refused",]] += refused

    def find_caller(self, name: str) -> str:
        """Return as what a caller of that name is to be counted."""
        number = self.ledger.number_name(name)
        return OTHER if number is None else str(number)

    def count_caller(self, caller: str, result: KeyResult) -> None:
        """Count a request that needs a key. `caller` comes from `find_caller`, or is `NOBODY`."""
        self.cells[self._callers[caller, result]] += 1

    def count_keys_read(self, outcome: str) -> None:
        """Count that the file of keys was read after a change."""
        self.cells[self._keys_read[outcome,]] += 1

    def count_banner_event(self, event: str, model_version: str | None) -> None:
        """Count what a portal reported of a banner, and of which version's as it says."""
        version = self.served.model_version
        self.cells[self._banner_events[event, version if model_version == version else OTHER]] += 1

    def count_log_records(self, written: int, dropped: int) -> None:
        """Count so many more records. The prediction log's thread calls this, and alone writes to these cells."""
        self.cells[self._log_records["written",]] += written
        self.cells[self._log_records["dropped",]] += dropped

    def count_log_trouble(self, kind: str) -> None:
        """Count a trouble in closing journals. The prediction log's thread alone writes to these cells."""
        self.cells[self._log_trouble[kind,]] += 1

    def count_refused_connection(self) -> None:
        """Count a connection that was one too many."""
        self.cells[self._refused_connections] += 1

    def set_queue(self, requests: int) -> None:
        """Note how many requests wait now."""
        self.cells[self._queue] = requests

    def count_lost_line(self) -> None:
        """Count a line of the log that could not be written. Only one thread at a time calls this."""
        self.cells[self._log_lines_lost] += 1

    def count_lost_spans(self, spans: int) -> None:
        """Count spans that the collector did not take. The exporter's thread calls this."""
        self.cells[self._spans_lost] += spans

    def set_workers_missing(self, workers: int) -> None:
        """Note how many workers should answer and do not. The process that raises them calls this."""
        self.cells[self._workers_missing] = workers

    def count_lost_worker(self, *, had_started: bool) -> None:
        """Count a worker that ended without being told to."""
        self.cells[self._workers_lost["serving" if had_started else "starting",]] += 1

    def sum_over_workers(self) -> Numbers:
        """Return all cells, summed over the processes of all times; what is so now over those that live."""
        totals = self.ledger.sum_rows()
        totals[self._gauges] = self.ledger.sum_living_rows()[self._gauges]
        return totals


class StageClock:
    """Goes with one request and counts the time of each of its stages, from the stage's first cell on."""

    __slots__ = ("_cells", "_first", "_now_ns", "_since_ns")

    def __init__(
        self, cells: memoryview[float], first: Mapping[Stage, int], now_ns: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._cells = cells
        self._first = first
        self._now_ns = now_ns
        self._since_ns = now_ns()

    def end(self, stage: Stage) -> None:
        """End a stage, and begin the next."""
        now_ns = self._now_ns()
        took_ns = now_ns - self._since_ns
        first = self._first[stage]
        self._cells[first + took_ns.bit_length()] += 1
        self._cells[first + STAGE_SUM] += took_ns
        self._since_ns = now_ns


def kind_from_status(status: int) -> str:
    """Return the kind of an error by its status."""
    return KINDS.get(status, OTHER)


def _status_class(status: int) -> str:
    if status == NOT_ANSWERED:
        return str(status)
    return f"{max(status // 100, 2)}xx" if status // 100 != 3 else "2xx"  # noqa: PLR2004 - the service answers no 3xx
