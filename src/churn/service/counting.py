"""Counts what the service answers, in a few microseconds for each request."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from churn.answers import PredictionAnswer, Reason, Retention
from churn.judging import metrics as measures
from churn.judging.metrics import (
    LATENCY_BOUNDS_S,
    PROBABILITY_BINS,
    PROBABILITY_BOUNDS,
    SHADOW,
    SHADOW_BANNERS,
    SHADOW_DIFFERENCE,
    SHADOW_DIFFERENCE_BOUNDS,
    SHADOW_TIERS,
    SHADOW_TOP,
    TOP,
)
from churn.model.pairs import STEPS, Differences, Whole
from churn.service.families import (
    AGREEMENTS,
    BANNER,
    KINDS,
    NONE,
    NOT_ANSWERED,
    OTHER,
    ROUTES,
    TIERS,
    Served,
    blocks,
    cells_of,
)
from churn.service.ledger import Ledger, Numbers
from churn.service.stages import STAGES, Stages

NS = 1e9
LATENCY_BOUNDS_NS = tuple(bound_s * NS for bound_s in LATENCY_BOUNDS_S)
LATENCY_SUM = len(LATENCY_BOUNDS_S) + 1
STATUS_CODES = range(100, 600)


class Counting:
    """What one process counts, and the totals of all that share the ledger. All that can be counted is known before.

    Args:
        served: the values of labels.
        ledger: shared with the other workers; by default one of its own.
    """

    def __init__(self, served: Served, ledger: Ledger | None = None) -> None:
        self.served = served
        self.blocks = blocks(served)
        at = {name: block.cells() for name, block in self.blocks.items()}
        self.queue_cell = at[measures.QUEUE][()]
        self.ledger = ledger or Ledger(cells_of(self.blocks))
        self.cells = self.ledger.claim(gauges=[self.queue_cell])
        self.stages = Stages(self.cells, {stage: at[measures.STAGE_DURATION][stage,] for stage in STAGES})
        self._routes = {
            route: (
                at[measures.REQUEST_DURATION][route,],
                {status: at[measures.REQUESTS][route, _status_label(status)] for status in STATUS_CODES},
            )
            for route in (*ROUTES, OTHER)
        }
        self._kinds = {kind: cell for (kind,), cell in at[measures.ERRORS].items()}
        self._tiers = {tier: cell for (_, tier), cell in at[measures.PREDICTIONS].items()}
        self._probability = self.blocks[measures.PROBABILITY].first
        # A set of features is the sum of their bits, whatever their order.
        self._bits = {name: 1 << number for number, name in enumerate(served.features)}
        self._sets = {
            sum(self._bits[name] for name in features): cell
            for features, cell in zip(combinations(served.features, TOP), at[measures.TOP_SET].values(), strict=True)
        }
        self._banners = self.blocks[measures.BANNERS].first
        self._retention = at[measures.RETENTION]
        self._batch_rows = at[measures.BATCH_ROWS]
        self._log_records = at[measures.LOG_RECORDS]
        self.challenger: tuple[str, ...] = ()
        self._shadow = {name: at[name] for name in (SHADOW, SHADOW_TOP)}

    def answered(self, path: str, status: int, took_ns: int) -> None:
        """A request has ended; a path that is none of the service's is counted as `other`."""
        duration, statuses = self._routes.get(path) or self._routes[OTHER]
        cells = self.cells
        cells[duration + bisect_left(LATENCY_BOUNDS_NS, took_ns)] += 1
        cells[duration + LATENCY_SUM] += took_ns
        cells[statuses[status]] += 1

    def failed(self, kind: str) -> None:
        """A request got an error."""
        self.cells[self._kinds[kind]] += 1

    def predicted(self, answer: PredictionAnswer, strongest: Sequence[Reason], banner: Retention | None) -> None:
        """One subscriber was answered.

        Args:
            answer: what.
            strongest: the reasons by size, three at least, however many are in the answer.
            banner: what it holds, where there is one.
        """
        cells = self.cells
        probability = answer["churn_probability"]
        cells[self._tiers[answer["risk_tier"]]] += 1
        cells[self._probability + bisect_left(PROBABILITY_BOUNDS, probability)] += 1
        cells[self._probability + PROBABILITY_BINS] += probability
        one, two, three = strongest[:TOP]
        features = self._bits[one["feature"]] + self._bits[two["feature"]] + self._bits[three["feature"]]
        cells[self._sets[features]] += 1
        if banner is not None:
            offer = banner["offer"]
            cells[self._banners] += 1
            cells[self._retention[banner["arm"], offer["code"] if offer else NONE]] += 1

    def batch(self, *, answered: int, refused: int) -> None:
        """A batch was answered; both are numbers of rows."""
        self.cells[self._batch_rows["answered",]] += answered
        self.cells[self._batch_rows["refused",]] += refused

    def logged(self, written: int, dropped: int) -> None:
        """So many more records; from the prediction log's thread, and nobody else writes to these cells."""
        self.cells[self._log_records["written",]] += written
        self.cells[self._log_records["dropped",]] += dropped

    def paired(self, found: Differences) -> None:
        """The challenger answered too; from the prediction log's thread, and nobody else writes to these cells."""
        apart = np.abs(found.shift) / STEPS
        self._add(SHADOW_TIERS, found.champion_tier * len(TIERS) + found.challenger_tier)
        self._add(SHADOW_BANNERS, found.champion_banner * len(BANNER) + found.challenger_banner)
        self._add(SHADOW_DIFFERENCE, np.searchsorted(SHADOW_DIFFERENCE_BOUNDS, apart))
        self.cells[self.blocks[SHADOW_DIFFERENCE].first + len(SHADOW_DIFFERENCE_BOUNDS)] += float(apart.sum())
        for agreement, same in zip(AGREEMENTS, (found.same_set, found.same_order, found.same_signs), strict=True):
            self.cells[self._shadow[SHADOW_TOP][agreement,]] += int(same.sum())
        self.shadowed("paired", len(found.shift))

    def _add(self, family: str, numbers: Whole) -> None:
        """Adds one to the cell of a family that has each of these numbers."""
        for cell, count in enumerate(np.bincount(numbers).tolist(), self.blocks[family].first):
            if count:
                self.cells[cell] += count

    def shadowed(self, outcome: str, answers: int) -> None:
        """What became of answers that the challenger was to answer too."""
        self.cells[self._shadow[SHADOW][outcome,]] += answers

    def queued(self, requests: int) -> None:
        """So many requests wait now."""
        self.cells[self.queue_cell] = requests

    def totals(self) -> Numbers:
        """All cells, summed over the workers of all times; the gauge over those that live."""
        found = self.ledger.totals()
        found[self.queue_cell] = self.ledger.living()[self.queue_cell]
        return found


def kind_of_status(status: int) -> str:
    """What a status that is an error says of its kind."""
    return KINDS.get(status, OTHER)


def _status_label(status: int) -> str:
    if status == NOT_ANSWERED:
        return str(status)
    return f"{max(status // 100, 2)}xx" if status // 100 != 3 else "2xx"  # noqa: PLR2004 - the service answers no 3xx
