"""The page that a run leaves."""

from pathlib import Path

from unit.benchmarks.measurements import load, results

from benchmarks.plot import write_histograms, write_plot
from benchmarks.report import build_report, build_table, take_medians
from benchmarks.rounds import order_for_round


def test_the_order_turns_around_in_every_round() -> None:
    assert ["".join(order_for_round("abc", number)) for number in range(3)] == ["abc", "cba", "abc"]


def test_a_table_shows_the_median_over_the_rounds_and_the_sum_of_the_errors() -> None:
    rows = [load("ours", value, number=at, errors=1) for at, value in enumerate((1000, 3000, 2000))]
    assert take_medians(rows, ["system"], "requests_per_s") == {("ours",): 2000}
    assert "| (c) churn serve | 32 | 2,000 | 0.50 | 1.00 | 3 |" in build_report(results(load=rows))


def test_a_missed_target_is_said_to_be_missed() -> None:
    page = build_report(results(load=[load("ours", 40), load("floor", 100)]))
    assert "| throughput as a share of the floor, champion, 32 connections | ≥ 0.8 | 0.40 |  | misses |" in page


def test_explanations_are_shown_as_rows_for_each_second_of_a_core() -> None:
    row = {"model": "300x6", "contender": "ours", "round": 0, "one_row_us": 111.0, "bulk_rows": 240_000}
    page = build_report(results(kernel=[row | {"bulk_us": 10.0, "bulk_reasons_us": 20.0}]))
    assert "| 300x6 | ours | 111.0 | 100,000 | 50,000 | 240,000 |" in page


def test_start_and_memory_stand_in_one_row() -> None:
    starts = [{"system": "ours", "model": "champion", "round": at, "seconds": at + 1.0} for at in range(3)]
    memory = [{"system": "ours", "model": "champion", "rss": 100, "pss": 70, "uss": 60, "all_pss": 210}]
    page = build_report(results(starts=starts, memory=memory))
    assert "| champion | (c) churn serve | 2.00 | 100 | 70 | 60 | 210 |" in page


def test_a_part_that_was_not_measured_has_no_heading() -> None:
    page = build_report(results(load=[load("ours", 1)]))
    assert "## Under load" in page
    assert "## The explanation alone" not in page
    assert "## Start and memory" not in page


def test_the_page_says_what_it_was_measured_on() -> None:
    page = build_report(results())
    assert "2 cores of a CPU" in page
    assert "numpy 2.5.0" in page


def test_a_table_has_a_line_below_its_head() -> None:
    assert build_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    write_plot(results(load=[load("ours", 40), load("floor", 100)]), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_stage_is_shown_by_the_buckets_that_half_and_nearly_all_answers_fit_into(tmp_path: Path) -> None:
    buckets = {1.024: 60, 2.048: 39, 65.536: 1}
    rows = [
        {"model": "champion", "stage": "parse", "below_us": below_us, "requests": count}
        for below_us, count in buckets.items()
    ]
    assert "| champion | parse | 1.02 | 2.05 | 65.5 |" in build_report(results(stages=rows))
    write_histograms(results(stages=rows), tmp_path / "stages.png")
    assert (tmp_path / "stages.png").read_bytes().startswith(b"\x89PNG")
