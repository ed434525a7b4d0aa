"""Files of rows to score, in every format, and what a scored folder holds."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from churn.contract.cells import text_from_cell
from churn.contract.declaration import Contract

type Row = dict[str, Any]


def write_rows(path: Path, rows: Sequence[Row], *, batch: int = 3) -> Path:
    """Writes rows in the format of the path's suffix; in blocks of `batch` rows, if the format has blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as text:
            writer = csv.writer(text)
            writer.writerow(rows[0])
            writer.writerows([[text_from_cell(cell) for cell in row.values()] for row in rows])
        return path
    table = pa.Table.from_pylist(list(rows))
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=batch)
        return path
    opened = pa.ipc.new_file if path.suffix == ".feather" else pa.ipc.new_stream
    with path.open("wb") as file, opened(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch)
    return path


def with_ids(contract: type[Contract], rows: Sequence[Row]) -> list[Row]:
    """The rows with an id, and with a column that nobody needs."""
    return [{contract.id_column: f"s-{at}", **row, "note": f'"quoted",\n{at}'} for at, row in enumerate(rows)]


def scored(out: Path) -> list[Row]:
    """All answers of a folder, part after part."""
    return [row for path in sorted(out.glob("part-*.parquet")) for row in pq.read_table(path).to_pylist()]


def rejected(out: Path) -> list[Row]:
    """All rejects of a folder, part after part."""
    return [row for path in sorted((out / "_rejects").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
