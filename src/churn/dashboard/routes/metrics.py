"""What Prometheus is told of rollouts. If the store cannot be read, it is told nothing, and rings for that."""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from churn.dashboard.rollouts import Rollouts
from churn.judging.metrics import Metric


def metrics_routes(rollouts: Rollouts) -> APIRouter:
    """Return the route of the metrics."""
    router = APIRouter()

    @router.get("/metrics")
    def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(_Gauges(rollouts.read_samples())), media_type=content_type)

    return router


class _Gauges(Collector):
    """Stands for a registry, which is what an encoder takes."""

    def __init__(self, samples: Mapping[Metric, Mapping[tuple[str, ...], float]]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for metric, values in self._samples.items():
            family = GaugeMetricFamily(metric.name, metric.meaning, labels=tuple(metric.labels))
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family
