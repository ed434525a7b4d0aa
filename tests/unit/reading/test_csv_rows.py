"""CSV files in stretches: together they hold the very rows that Python's reader sees in the whole."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from churn.errors import DataError
from churn.reading import csv_rows

CHARACTERS = st.sampled_from(list('ab1,,\n\n"\r é')) | st.sampled_from(
    ["\r\n", '""', ',"', '",', "\x00", "x,y\n", "x,y\r\n"]
)
TEXTS = st.lists(CHARACTERS, max_size=40).map("".join)
HEADER = ["one", "two"]


def rows_of(path: Path, rows: int) -> list[tuple[int, list[str]]]:
    """All rows of a file with their numbers, read a stretch at a time."""
    cells_by_row: dict[int, list[str]] = {}
    for span in csv_rows.spans(path, rows):
        assert span.rows <= rows
        table = csv_rows.read(path, span, HEADER, HEADER)
        cells = zip(*(table.columns[name].to_pylist() for name in HEADER), strict=True)
        right = {
            number: [cell.decode() for cell in row] for number, row in zip(table.numbers.tolist(), cells, strict=True)
        }
        assert len(right) + len(table.misshapen) == span.rows
        assert set(right) | set(table.misshapen) == set(range(span.first, span.first + span.rows))
        cells_by_row |= right | table.misshapen
    return sorted(cells_by_row.items())


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, rows=st.integers(1, 4), mark=st.booleans())
@example(text="a,b\n\n\r\nc,d", rows=1, mark=False)
@example(text='a,"b\nc"\nd,e\n', rows=1, mark=True)
@example(text="a,b\rc,d\re,f", rows=2, mark=False)
@example(text='a"b,c\nd,e\n', rows=1, mark=False)
def test_stretches_hold_the_rows_that_a_reader_of_the_whole_sees(
    tmp_path: Path, text: str, rows: int, mark: bool
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + f"one,two\n{text}".encode())
    try:
        whole = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        with pytest.raises(DataError, match="not a CSV file"):
            rows_of(path, rows)
        return
    assert rows_of(path, rows) == list(enumerate(whole, start=1))


def test_a_long_file_is_cut_where_its_rows_end(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    lines = [f"{at},{'x' * (at % 50)}" for at in range(400_000)]
    path.write_text("one,two\n" + "\n".join(lines))
    assert path.stat().st_size > csv_rows.BLOCK_BYTES
    spans = list(csv_rows.spans(path, 150_000))
    assert [span.rows for span in spans] == [150_000, 150_000, 100_000]
    last = csv_rows.read(path, spans[-1], HEADER, ["one"])
    assert (last.columns["one"][0].as_py(), last.columns["one"][-1].as_py()) == (b"300000", b"399999")
    assert last.numbers[-1] == 400_000


def test_bytes_that_are_no_utf8_stay_in_their_row(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    for quote in (b"", b'"'):
        path.write_bytes(b"one,two\n1,caf\xe9\n" + quote + b"2" + quote + b",b\n")
        [span] = csv_rows.spans(path, 10)
        assert csv_rows.read(path, span, HEADER, HEADER).columns["two"].to_pylist() == [b"caf\xe9", b"b"]


def test_a_file_without_a_header_is_no_data(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"\n\n")
    with pytest.raises(DataError, match="has no header"):
        csv_rows.columns(path)


def test_a_broken_quote_says_where(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('one,two\n1,2\n3,"4\n')
    with pytest.raises(DataError, match="unexpected end of data"):
        list(csv_rows.spans(path, 1))


def test_a_short_row_that_is_no_utf8_is_misshapen_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"one,two\n1,2\n\xed\n3,4\n")
    [span] = csv_rows.spans(path, 10)
    table = csv_rows.read(path, span, HEADER, HEADER)
    assert (table.numbers.tolist(), list(table.misshapen)) == ([1, 3], [2])
