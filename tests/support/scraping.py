"""What a service has counted, as a program that scrapes it reads it."""

from prometheus_client.parser import text_string_to_metric_families

from support.in_process import InProcess

type Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(text: str) -> Samples:
    """Every sample of a text in Prometheus's format, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read_metrics(service: InProcess) -> Samples:
    return scraped(service.get("/metrics").text)


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a name's samples that have these labels, whatever others they have."""
    return sum(value for (found, given), value in samples.items() if found == name and given >= labels.items())
