"""What is counted, as Prometheus reads it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import metrics_core
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from churn.judging import metrics
from churn.judging.metrics import METRICS, NOBODY, SET_SIGN, Metric
from churn.service.counting.counters import NS, Counters
from churn.service.counting.layout import LabelValues

END = b"# EOF\n"
WITHOUT_NAME = frozenset({"no_key", "unknown_key"})  # results of those whose name is not known

type Samples = Mapping[LabelValues, list[float]]


async def expose(counters: Counters, accepted: str) -> tuple[bytes, str]:
    """Return all metrics in a format that an Accept header asks for, with its content type.

    They are the totals over the workers. Other requests have their turn in between.
    """
    encode, content_type = choose_encoder(accepted)
    parts = []
    for family in _families(counters):
        parts.append(encode(_OneFamily(family)))
        await asyncio.sleep(0)  # all of them take milliseconds
    end = END if parts[-1].endswith(END) else b""
    return b"".join(part.removesuffix(END) for part in parts) + end, content_type


class _OneFamily(Collector):
    """Stands for a registry with one family, which is what an encoder takes."""

    def __init__(self, family: metrics_core.Metric) -> None:
        self.family = family

    def collect(self) -> Iterator[metrics_core.Metric]:
        yield self.family


def _families(counters: Counters) -> Iterator[metrics_core.Metric]:
    """Yield all metrics in the order in which they are declared."""
    totals = counters.sum_over_workers().tolist()
    samples: dict[Metric, Samples] = {
        metric: {values: totals[first : first + cells.width] for values, first in cells.first_cells().items()}
        for metric, cells in counters.layout.items()
    }
    served, sets = counters.served, samples[metrics.TOP_SET]
    samples[metrics.TOP_FEATURE] = {
        (served.model_version, name): [
            sum(count for (_, features), (count,) in sets.items() if name in features.split(SET_SIGN))
        ]
        for name in served.features
    }
    samples[metrics.CALLERS] = dict(_name_callers(counters.ledger.list_names(), samples[metrics.CALLERS]))
    samples[metrics.TOP_SET] = {values: count for values, count in sets.items() if count[0]}
    samples[metrics.BUNDLE_INFO] = {served[:4]: [1.0]}
    samples[metrics.CHALLENGER_INFO] = {counters.challenger: [1.0]} if counters.challenger else {}
    for metric in METRICS:
        yield _build_family(metric, samples[metric])


def _name_callers(names: Sequence[str], samples: Samples) -> Iterator[tuple[LabelValues, list[float]]]:
    """Yield what was counted by names instead of by their numbers; what cannot be of a caller is left out."""
    known = {str(number): name for number, name in enumerate(names)}
    for (caller, result), count in samples.items():
        is_possible = (result in WITHOUT_NAME) == (caller == NOBODY)
        if is_possible and (caller in {*known, NOBODY} or count[0]):
            yield (known.get(caller, caller), result), count


def _build_family(metric: Metric, samples: Samples) -> metrics_core.Metric:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.meaning, labels=tuple(metric.labels))
        for values, (*counts, total) in samples.items():
            total_in_unit = total / NS if metric.name.endswith("_seconds") else total
            histogram.add_metric(values, _sum_up(metric, counts), total_in_unit)
        return histogram
    family_class = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = family_class(
        metric.name, metric.meaning, labels=tuple(metric.labels)
    )
    for values, (count,) in samples.items():
        family.add_metric(values, count)
    return family


def _sum_up(metric: Metric, counts: list[float]) -> list[tuple[str, float]]:
    """Return for each bound of a histogram how much lies up to it."""
    *sums, all_together = accumulate(counts)
    below = dict(zip(metric.cell_bounds or metric.bounds, sums, strict=True))
    return [*((str(bound), below[bound]) for bound in metric.bounds), ("+Inf", all_together)]
