"""`GET /metrics`: what is counted, as Prometheus reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import accumulate

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from churn.judging import metrics as measures
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS, SET_SIGN, SHADOW_DIFFERENCE_BOUNDS
from churn.service.counting import NS, Counting
from churn.service.families import FAMILIES, Family
from churn.service.problems import described
from churn.service.route import DirectRoute

END = b"# EOF\n"
# Of the buckets of stages, the powers of two of nanoseconds from 1 microsecond to 67 ms; finer ones would be of no use.
STAGE_POWERS = range(10, 27)

type Label = tuple[str, ...]
type Samples = Mapping[Label, list[float]]


def metrics_path(counting: Counting) -> APIRouter:
    """The route that Prometheus asks."""
    router = APIRouter(route_class=DirectRoute)

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="What is counted, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **described(500)},
    )
    async def metrics(request: Request) -> Response:
        """The counts of all workers, in Prometheus's text format or in OpenMetrics; for operators, not for callers."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        parts = []
        for family in families(counting):
            parts.append(encode(_Only(family)))
            await asyncio.sleep(0)  # all of them take milliseconds, in which others would wait
        ended = parts[-1].endswith(END)
        body = b"".join(part.removesuffix(END) for part in parts) + (END if ended else b"")
        return Response(body, media_type=content_type)

    return router


class _Only(Collector):
    """One family, where an encoder wants a registry."""

    def __init__(self, family: Metric) -> None:
        self.family = family

    def collect(self) -> Iterator[Metric]:
        yield self.family


def families(counting: Counting) -> Iterator[Metric]:
    """All families with the totals over the workers, in the order in which they are declared."""
    totals = counting.totals().tolist()
    counted: dict[str, Samples] = {
        name: {label: totals[first : first + block.width] for label, first in block.cells().items()}
        for name, block in counting.blocks.items()
    }
    version, sets = counting.served.model_version, counted[measures.TOP_SET]
    counted[measures.TOP_FEATURE] = {
        (version, name): [sum(count for (_, among), (count,) in sets.items() if name in among.split(SET_SIGN))]
        for name in counting.served.features
    }
    counted[measures.TOP_SET] = {label: count for label, count in sets.items() if count[0]}
    counted[measures.BUNDLE_INFO] = {counting.served[:4]: [1.0]}
    counted[measures.CHALLENGER_INFO] = {counting.challenger: [1.0]} if counting.challenger else {}
    for family in FAMILIES:
        yield _MAKERS[family.kind](family, counted[family.name])


def _counter(family: Family, samples: Samples) -> Metric:
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for label, (count,) in samples.items():
        metric.add_metric(label, count)
    return metric


def _gauge(family: Family, samples: Samples) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for label, (value,) in samples.items():
        metric.add_metric(label, value)
    return metric


def _histogram(family: Family, samples: Samples) -> Metric:
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for label, cells in samples.items():
        buckets, total = _BUCKETS[family.name](cells[:-1]), cells[-1]
        metric.add_metric(label, buckets, total / NS if family.name.endswith("_seconds") else total)
    return metric


def _latency_buckets(counts: list[float]) -> list[tuple[str, float]]:
    return _summed(LATENCY_BOUNDS_S, counts)


def _probability_buckets(counts: list[float]) -> list[tuple[str, float]]:
    return _summed(PROBABILITY_BOUNDS, [*counts, 0.0])


def _difference_buckets(counts: list[float]) -> list[tuple[str, float]]:
    return _summed(SHADOW_DIFFERENCE_BOUNDS, [*counts, 0.0])


def _stage_buckets(counts: list[float]) -> list[tuple[str, float]]:
    """Bounds that are powers of two of nanoseconds, in seconds."""
    below = list(accumulate(counts))
    return [*((str(2**power / NS), below[power]) for power in STAGE_POWERS), ("+Inf", below[-1])]


def _summed(bounds: tuple[float, ...], counts: list[float]) -> list[tuple[str, float]]:
    names = [*map(str, bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))


_MAKERS = {"counter": _counter, "gauge": _gauge, "histogram": _histogram}
_BUCKETS = {
    measures.REQUEST_DURATION: _latency_buckets,
    measures.STAGE_DURATION: _stage_buckets,
    measures.PROBABILITY: _probability_buckets,
    measures.SHADOW_DIFFERENCE: _difference_buckets,
}
