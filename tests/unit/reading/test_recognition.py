"""A file of another kind than its name says is named in one sentence, the same for all who read files."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.examples import EXAMPLE, STREAMFLOW

from churn.contract.cells import text_from_cell
from churn.errors import DataError
from churn.outcomes.file import Outcome, read_outcomes
from churn.reading.recognition import name_unread
from churn.reading.sources import cut_into_parts, find_sources, read_part, require_features
from churn.reading.whole import read_csv
from churn.training.data import DataProblem, InvalidData, read_training_data

IMPORT = ["subscriber,left", *(f"s-{at},{at % 2}" for at in range(20))]
TRAINING = [
    f"subscriber_id,{','.join(EXAMPLE)},churned",
    *(f"s-{at},{','.join(map(text_from_cell, EXAMPLE.values()))},{at % 2}" for at in range(20)),
]


def score(path: Path) -> list[bytes]:
    """Read as bulk scoring does; return the first column that is read."""
    sources = find_sources(path)
    require_features(STREAMFLOW, sources)
    tables = [read_part(part, STREAMFLOW.feature_names()) for part in cut_into_parts(sources, 7)]
    return [cell for table in tables for cell in table.columns["tenure"].to_pylist()]


def train(path: Path) -> None:
    read_training_data(STREAMFLOW, path)


def read_import(path: Path) -> list[Outcome]:
    return read_outcomes(path, hash_key=str)


READERS: list[tuple[Callable[[Path], object], list[str]]] = [
    (train, TRAINING),
    (score, TRAINING),
    (read_import, IMPORT),
]


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def parquet_of(_: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), buffer)
    return buffer.getvalue()


KINDS: dict[str, tuple[Callable[[str], bytes], str, str]] = {
    "UTF-16 with a mark": (lambda text: text.encode("utf-16"), "text in UTF-16", "save it as CSV in UTF-8"),
    "UTF-16, big end first": (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), "text in UTF-16", "save it as"),
    "UTF-16 without a mark": (lambda text: text.encode("utf-16-le"), "text in UTF-16", "save it as"),
    "UTF-16 without a mark, big end first": (lambda text: text.encode("utf-16-be"), "text in UTF-16", "save it as"),
    "UTF-32": (lambda text: text.encode("utf-32"), "text in UTF-32", "save it as"),
    "UTF-32 without a mark": (lambda text: text.encode("utf-32-le"), "text in UTF-32", "save it as"),
    "gzip": (lambda text: gzip.compress(text.encode()), "compressed with gzip", "unpack it first"),
    "zip": (lambda text: zipped("a.csv", text.encode()), "a ZIP archive", "unpack it first"),
    "xlsx": (lambda text: zipped("xl/workbook.xml", text.encode()), "an Excel workbook", "save it as CSV"),
    "xls": (lambda text: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + text.encode(), "an Excel workbook", "save it as CSV"),
    "Parquet": (parquet_of, "a Parquet file", "let its name end in .parquet"),
    "semicolons": (lambda text: text.replace(",", ";").encode(), "has semicolons between its cells", "with commas"),
    "tabs": (lambda text: text.replace(",", "\t").encode(), "has tabs between its cells", "with commas"),
    "sep=,": (lambda text: f"sep=,\r\n{text}".encode(), "begins with a line for Excel", "delete that line"),
    "sep=;": (lambda text: f"sep=;\n{text.replace(',', ';')}".encode(), "a line for Excel", "delete that line"),
    "NUL bytes": (lambda text: b"\x00" + text.encode(), "its header holds NUL bytes", "save it as CSV"),
    "empty": (lambda _: b"", "is empty", "whose first line names the columns"),
    "blank": (lambda _: b"\xef\xbb\xbf\r\n\n", "is empty", "whose first line names the columns"),
    "header only": (lambda text: text.split("\n")[0].encode(), "holds no rows below a header", "give a file with data"),
}


@pytest.mark.parametrize(("read", "lines"), READERS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_csv_file_is_named_with_what_to_do(
    tmp_path: Path, kind: str, read: Callable[[Path], object], lines: list[str]
) -> None:
    make, what, instead = KINDS[kind]
    path = tmp_path / "rows.csv"
    path.write_bytes(make("\n".join(lines)))
    with pytest.raises(DataError, match=what) as refused:
        read(path)
    assert instead in refused.value.instead


@pytest.mark.parametrize(("read", "lines"), READERS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("sign", ["\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}", " ", "\N{ZERO WIDTH NO-BREAK SPACE}"])
def test_a_sign_that_nobody_sees_in_a_name_is_named(
    tmp_path: Path, sign: str, read: Callable[[Path], object], lines: list[str]
) -> None:
    name = "left" if lines is IMPORT else "tenure"
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([lines[0].replace(name, f"{name}{sign}"), *lines[1:]]), encoding="utf-8")
    with pytest.raises(DataError, match=f"the name of the column '{name}' holds ") as refused:
        read(path)
    assert refused.value.instead.endswith(f"as {name!r}")


@pytest.mark.parametrize(("read", "lines"), READERS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda lines: "\ufeff" + "\n".join(lines), id="with a mark"),
        pytest.param("\r".join, id="carriage returns"),
        pytest.param("\r\n".join, id="both line ends"),
        pytest.param(lambda lines: "\n".join(f"{at or ''},{line}" for at, line in enumerate(lines)), id="index"),
    ],
)  # fmt: skip
def test_what_is_a_csv_file_all_the_same_is_read(
    tmp_path: Path, write: Callable[[list[str]], str], read: Callable[[Path], object], lines: list[str]
) -> None:
    path = tmp_path / "rows.CSV"
    path.write_text(write(lines), encoding="utf-8", newline="")
    read(path)


def test_rows_of_an_upper_case_name_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.CSV"
    path.write_text("\n".join(TRAINING), encoding="utf-8")
    assert score(path) == [b"14"] * 20


@pytest.mark.parametrize(("read", "lines"), READERS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_byte_of_latin_1_in_what_is_read_is_named_with_its_line_by_all(
    tmp_path: Path, quote: str, read: Callable[[Path], object], lines: list[str]
) -> None:
    path = tmp_path / "rows.csv"
    odd = lines[7].replace("s-6", f"{quote}s-\xe9{quote}")
    path.write_bytes("\n".join([*lines[:7], odd, *lines[8:]]).encode("latin-1"))
    with pytest.raises(DataError, match="is not a CSV file in UTF-8: line 8 holds the byte 0xe9, as in Latin-1"):
        read(path)


@pytest.mark.parametrize(("read", "lines"), READERS[1:], ids=lambda value: getattr(value, "__name__", ""))
def test_a_byte_of_latin_1_beside_what_is_read_ends_nothing(
    tmp_path: Path, read: Callable[[Path], object], lines: list[str]
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("\n".join(f"{line},gr\xf6\xdfe" for line in lines).encode("latin-1"))
    assert len(read(path) or ()) == 20  # type: ignore[arg-type] # both give a list


def test_many_blank_lines_before_nothing_are_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows below a header"):
        read_csv(tmp_path / "rows.csv", b"\n" * 2**17, [])


def test_a_column_without_a_name_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = {"__index_level_0__": range(20), **{name: [value] * 20 for name, value in EXAMPLE.items()}}
    pq.write_table(pa.table({**table, "subscriber_id": range(20), "churned": [0, 1] * 10}), path)
    assert read_training_data(STREAMFLOW, path).unread == ("__index_level_0__",)
    assert name_unread(require_features(STREAMFLOW, find_sources(path))) == (
        "columns that are not looked at: one without a name (an index? save without it), churned"
    )


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_names_that_nobody_wants_may_be_odd_and_stand_twice(tmp_path: Path, quote: bytes) -> None:
    path = tmp_path / "rows.csv"
    header, *rows = TRAINING
    lines = [f"note,{header},note,gr\xf6\xdfe".encode("latin-1")]
    lines += [b"x," + row.encode() + b"," + quote + b"y" + quote + b",z" for row in rows]
    path.write_bytes(b"\n".join(lines))
    assert score(path) == [b"14"] * 20
    [part] = cut_into_parts(find_sources(path), 100)
    assert {"x"} == {row["note"] for row in read_part(part).texts(np.arange(20))}


def test_a_wanted_column_that_stands_twice_is_refused_by_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["subscriber,left,left", *(f"{at},1,0" for at in range(9))]))
    with pytest.raises(DataError, match="'left' stands twice"):
        read_import(path)
    names, arrays = zip(*{"subscriber_id": "s", **EXAMPLE, "churned": 1}.items(), strict=True)
    table = pa.Table.from_arrays([pa.array([value] * 9) for value in (*arrays, 14)], [*names, "tenure"])
    twice = tmp_path / "rows.parquet"
    pq.write_table(table, twice)
    with pytest.raises(DataError, match="'tenure' stands twice"):
        score(twice)
    with pytest.raises(InvalidData) as refused:
        train(twice)
    assert refused.value.problems == [DataProblem("tenure", "column stands twice", 2)]
