"""Who of a file sees a banner, and what is told of the rows that are no subscribers."""

from pathlib import Path

import pytest
from support.examples import STREAMFLOW
from support.populations import MODEL, draw, row, tickets_and_commitment
from support.tables import write_rows

from churn.errors import DataError
from churn.retention.campaign.population import Census, find_banner_subscribers


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_those_above_the_threshold_see_a_banner_in_the_order_of_their_rows(tmp_path: Path, suffix: str) -> None:
    found, census = draw(tmp_path, [row(0, 4), row(1, 2), row(2, 3), row(3, 0)], suffix)
    assert [(banner.key, banner.probability) for banner in found] == [("s-0", 0.8808), ("s-2", 0.7311)]
    assert found[0].subscriber == STREAMFLOW.model_validate(STREAMFLOW.example() | {"num_support_tickets": 4})
    assert [reason["group"] for reason in found[0].reasons] == ["commitment", "support"]
    assert (census.rows, census.invalid_rows, census.has_keys) == (4, 0, True)


def test_a_probability_at_the_threshold_is_not_above_it(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", [row(0, 3)])
    for threshold, count in ((0.7311, 0), (0.731, 1)):
        found = find_banner_subscribers(path, MODEL, tickets_and_commitment, Census(), threshold=threshold)
        assert len(list(found)) == count


def test_rows_that_are_no_subscribers_are_counted_with_column_check_and_place(tmp_path: Path) -> None:
    bad = [row(at, -1) for at in range(7)]
    found, census = draw(tmp_path, [row(100), *bad, row(101, 4, contract_type="weekly", tenure="")])
    with (tmp_path / "rows.csv").open("a") as file:
        file.write("one,two\n")
    assert [banner.key for banner in found] == ["s-100"]
    again = Census()
    list(find_banner_subscribers(tmp_path / "rows.csv", MODEL, tickets_and_commitment, again, threshold=0.6))
    assert (census.invalid_rows, again.invalid_rows, again.rows) == (8, 9, 10)
    told = [(one.column, one.check, one.count, one.first) for one in again.invalid()]
    places = tuple(f"rows.csv row {number}" for number in range(2, 7))
    assert told == [
        ("num_support_tickets", "out of range", 7, places),
        ("tenure", "blank", 1, ("rows.csv row 9",)),
        ("contract_type", "unknown category", 1, ("rows.csv row 9",)),
        ("(row)", "2 cells instead of 11", 1, ("rows.csv row 10",)),
    ]


def test_a_file_of_bad_rows_alone_has_nobody(tmp_path: Path) -> None:
    found, census = draw(tmp_path, [row(0, -1)])
    assert (found, census.rows, census.invalid_rows) == ([], 1, 1)


def test_without_an_id_there_is_no_key(tmp_path: Path) -> None:
    found, census = draw(tmp_path, [row(0) | {"subscriber_id": " "}])
    assert (found[0].key, census.has_keys) == (None, True)
    nameless = row(0)
    del nameless["subscriber_id"]
    found, census = draw(tmp_path, [nameless])
    assert (found[0].key, census.has_keys) == (None, False)


def test_a_long_file_is_read_in_stretches_with_progress(tmp_path: Path) -> None:
    moved: list[tuple[int, int]] = []
    path = write_rows(tmp_path / "rows.csv", [row(at) for at in range(8)])
    found = find_banner_subscribers(
        path,
        MODEL,
        tickets_and_commitment,
        Census(),
        threshold=0.6,
        rows_at_once=3,
        progress=lambda *done: moved.append(done),
    )
    assert [banner.key for banner in found] == [f"s-{at}" for at in range(8)]
    assert moved == [(3, 8), (6, 8), (8, 8)]


def test_a_missing_column_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    lacking = row(0)
    del lacking["tenure"]
    with pytest.raises(DataError, match="has no column tenure"):
        draw(tmp_path, [lacking])
