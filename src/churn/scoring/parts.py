"""Make one part: from a span of a source to a file of the output. Engines call `score_part` anywhere, at any time.

A part's name and content follow from its input, and it appears whole or not at all. So a part that is made twice, by
two runs or after a lost worker, is the same file.
"""

from __future__ import annotations

import functools
import io
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from churn.answers import TIERS
from churn.contract.cells import read_cells
from churn.contract.declaration import Contract
from churn.errors import BundleError, DataError
from churn.files import write_bytes
from churn.model.bundle import load_bundle
from churn.model.model import ChurnModel
from churn.reading.blocks import Floats
from churn.reading.sources import FilePart, find_columns, read_part
from churn.scoring.answers import answer_rows, texts_from_codes
from churn.scoring.encoding import encode, text_from_column
from churn.scoring.rejects import Reject, reject_from_misshapen_row, reject_from_row, table_from_rejects

REJECTS = "_rejects"
RESULT = b"churn.outcome"


@dataclass(frozen=True, slots=True)
class Job:
    """Hold what is the same for all parts."""

    out: Path
    bundle: Path
    bundle_sha256: str  # a bundle that is exchanged meanwhile is refused
    threshold: float  # of the banner
    reasons: int  # for each row
    as_of: date | None = None  # to which dates are counted, where a row does not say it


@dataclass(frozen=True, slots=True)
class PartResult:
    """Count a part's rows by result. Results can be added."""

    rows: int = 0
    rejected: int = 0
    low: int = 0
    medium: int = 0
    high: int = 0
    banner: int = 0

    def __add__(self, other: PartResult) -> PartResult:
        return PartResult(**{name: count + asdict(other)[name] for name, count in asdict(self).items()})


def part_path(out: Path, number: int) -> Path:
    return out / f"part-{number:05}.parquet"


def read_part_result(path: Path) -> PartResult:
    """Read the counts that a finished part carries. Any other file raises DataError."""
    try:
        return PartResult(**json.loads(pq.read_metadata(path).metadata[RESULT]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is damaged", instead="delete it and run the command again") from error


def score_part(job: Job, part: FilePart) -> PartResult:
    """Read, answer and write one part. A changed source raises DataError, another bundle BundleError."""
    model = load_model(job.bundle, job.bundle_sha256)
    contract = model.contract
    identifier = [contract.id_column] if contract.id_column in part.source.columns else []
    table = read_part(part, [*identifier, *find_columns(contract, part.source.columns)])
    values = encode(contract, table.columns, job.as_of)
    rejects = [
        *(reject_from_misshapen_row(row, cells, part.source.columns) for row, cells in table.misshapen.items()),
        *_refuse_rows(job, contract, part, list(table.columns), values),
    ]
    valid = np.flatnonzero(~np.isinf(values).any(axis=1))
    answers = answer_rows(model, values[valid], threshold=job.threshold, reasons=job.reasons)
    tiers = dict(zip(TIERS, np.bincount(answers.tier, minlength=len(TIERS)).tolist(), strict=True))
    result = PartResult(part.span.rows, len(rejects), banner=int(answers.banner.sum()), **tiers)
    if rejects:
        _write(part_path(job.out / REJECTS, part.number), table_from_rejects(part.source.name, rejects), result)
    columns = {
        "source": _repeat(part.source.name, len(valid)),
        "row": pa.array(table.numbers[valid]),
        **{name: text_from_column(table.columns[name].take(pa.array(valid))) for name in identifier},
        "churn_probability": pa.array(answers.probability),
        "risk_tier": texts_from_codes(answers.tier, TIERS),
        "top_reasons": answers.reasons,
        "model_version": _repeat(model.version, len(valid)),
        "show_retention_banner": pa.array(answers.banner),
    }
    # Last: this file says that the part is done.
    _write(part_path(job.out, part.number), pa.table(columns), result)
    return result


@functools.lru_cache(maxsize=1)
def load_model(path: Path, sha256: str) -> ChurnModel:
    """Load the model of the bundle with this seal, once in each process."""
    bundle = load_bundle(path)
    if bundle.sha256 != sha256:
        raise BundleError(f"{path} is another bundle than at the start", instead="start anew with --overwrite")
    return bundle.model


def _refuse_rows(job: Job, contract: type[Contract], part: FilePart, wanted: list[str], values: Floats) -> list[Reject]:
    """Let the contract decide each row that has a refused cell. Put accepted rows into `values`, return the others.

    A reject holds the wanted cells only, if another column of the part is broken.
    """
    doubtful = np.flatnonzero(np.isinf(values).any(axis=1))
    if not len(doubtful):
        return []
    rejects = []
    try:
        whole = read_part(part)
    except DataError:
        whole = read_part(part, wanted)
    for position, cells in zip(doubtful, whole.texts(doubtful), strict=True):
        subscriber = read_cells(contract, cells, job.as_of)
        if isinstance(subscriber, list):
            rejects.append(reject_from_row(contract, int(whole.numbers[position]), cells, subscriber))
        else:
            values[position] = subscriber.encode()
    return rejects


def _repeat(text: str, count: int) -> pa.DictionaryArray:
    return texts_from_codes(np.zeros(count), [text])


def _write(path: Path, table: pa.Table, result: PartResult) -> None:
    buffer = io.BytesIO()
    # Arrow's own schema would show readers dictionaries, which only make writing fast, instead of texts.
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({RESULT: json.dumps(asdict(result))})
    write_bytes(path, buffer.getvalue())
