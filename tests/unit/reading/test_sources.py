"""Which files are read, what they must hold, and how they are cut."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import EXAMPLE, STREAMFLOW
from support.tables import write_rows

from churn.errors import DataError
from churn.reading.sources import FORMATS, cut_into_parts, find_sources, read_part, require_features


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(list(FORMATS)),
    count=st.integers(1, 12),
    batch=st.integers(1, 5),
    part_rows=st.integers(1, 5),
)
def test_parts_hold_every_row_once_and_in_order(
    tmp_path: Path, suffix: str, count: int, batch: int, part_rows: int
) -> None:
    path = write_rows(tmp_path / f"rows{suffix}", [{"at": at, "x": "x"} for at in range(count)], batch=batch)
    parts = list(cut_into_parts(find_sources(path), part_rows))
    assert [part.number for part in parts] == list(range(len(parts)))
    assert {part.span.rows for part in parts[:-1]} <= {part_rows}
    tables = [read_part(part, ["at"]) for part in parts]
    assert [int(cell.as_py()) for table in tables for cell in table.columns["at"]] == list(range(count))
    assert [number for table in tables for number in table.numbers.tolist()] == list(range(1, count + 1))


def test_a_folder_is_read_at_any_depth_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("day=2/b.parquet", "day=1/a.parquet", "c.parquet", "_rejects/part.parquet", ".hidden.parquet"):
        write_rows(tmp_path / name, [{"at": 1}])
    (tmp_path / "_SUCCESS").touch()
    assert [source.name for source in find_sources(tmp_path)] == ["c.parquet", "day=1/a.parquet", "day=2/b.parquet"]


def test_a_part_never_crosses_files(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_rows(tmp_path / name, [{"at": at} for at in range(3)])
    parts = list(cut_into_parts(find_sources(tmp_path), 2))
    assert [(part.source.name, part.span.first, part.span.rows) for part in parts] == [
        ("a.csv", 1, 2),
        ("a.csv", 3, 1),
        ("b.csv", 1, 2),
        ("b.csv", 3, 1),
    ]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*nowhere"):
        find_sources(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no files"):
        find_sources(tmp_path)
    write_rows(tmp_path / "a.csv", [{"at": 1}])
    write_rows(tmp_path / "b.parquet", [{"at": 1}])
    with pytest.raises(DataError, match=r"several formats: \.csv, \.parquet"):
        find_sources(tmp_path)
    (tmp_path / "c.txt").touch()
    with pytest.raises(DataError, match=r"c\.txt is of no format"):
        find_sources(tmp_path)


@pytest.mark.parametrize("suffix", [suffix for suffix in FORMATS if suffix != ".csv"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"rows{suffix}").write_bytes(b"tenure,monthly_charges\n")
    with pytest.raises(DataError, match=r"rows\.\w+ is not an? (Parquet|Arrow IPC) file"):
        find_sources(tmp_path)


def test_missing_features_are_named_and_other_columns_are_told(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", [{**EXAMPLE, "churned": 0}])
    write_rows(tmp_path / "b.csv", [{"note": "", **EXAMPLE, "subscriber_id": 1, "churned": 0}])
    assert require_features(STREAMFLOW, find_sources(tmp_path)) == ["churned", "note"]
    less = {name: value for name, value in EXAMPLE.items() if name not in {"tenure", "paperless_billing"}}
    write_rows(tmp_path / "c.csv", [less])
    with pytest.raises(DataError, match=r"c\.csv has no column tenure, no column paperless_billing"):
        require_features(STREAMFLOW, find_sources(tmp_path))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{','.join(EXAMPLE)},tenure\n")
    with pytest.raises(DataError, match="'tenure' stands twice"):
        require_features(STREAMFLOW, find_sources(tmp_path))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_became_shorter_is_noticed(tmp_path: Path, suffix: str) -> None:
    path = write_rows(tmp_path / f"rows{suffix}", [{"at": at} for at in range(9)])
    *_, last = cut_into_parts(find_sources(path), 4)
    write_rows(path, [{"at": at} for at in range(4)])
    with pytest.raises(DataError, match=r"has changed while it was read|cannot be read"):
        read_part(last)
