"""Each answer leaves a mark in the histogram of every stage."""

from array import array

import pytest
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering
from support.scraping import scraped, total

from churn.judging.metrics import STAGE_CELL_BOUNDS_S, STAGE_DURATION, STAGES
from churn.service.counting.counters import STAGE_SUM, StageClock


def counts(client: InProcess) -> dict[str, int]:
    samples = scraped(client.get("/metrics").text)
    return {stage: int(total(samples, f"{STAGE_DURATION.name}_count", stage=stage)) for stage in STAGES}


def test_every_stage_of_every_answer_without_a_banner_is_counted(even: InProcess) -> None:
    for _ in range(3):
        even.predict(STREAMFLOW.example())
    assert counts(even) == {**dict.fromkeys(STAGES, 3), "retention": 0}


def test_what_a_banner_shows_is_a_stage_of_its_own() -> None:
    with answering(STREAMFLOW, 0.7) as client:
        client.predict(STREAMFLOW.example())
        assert counts(client) == dict.fromkeys(STAGES, 1)


def test_a_refusal_counts_for_the_stages_it_went_through(even: InProcess) -> None:
    even.predict({})
    assert counts(even) == {**dict.fromkeys(STAGES, 0), "parse": 1, "log": 1}


@pytest.mark.parametrize(("took_ns", "below_us"), [(0, 0.001), (1, 0.002), (1000, 1.024), (1024, 2.048)])
def test_a_duration_falls_into_the_bucket_of_its_power_of_two(took_ns: int, below_us: float) -> None:
    times = iter([0, took_ns])
    cells: memoryview[float] = memoryview(array("d", [0.0] * (STAGE_SUM + 1)))
    StageClock(cells, {"parse": 0}, lambda: next(times)).end("parse")
    [cell] = [number for number, count in enumerate(cells[:STAGE_SUM]) if count]
    assert (STAGE_CELL_BOUNDS_S[cell], cells[STAGE_SUM]) == (pytest.approx(below_us / 1e6), took_ns)
