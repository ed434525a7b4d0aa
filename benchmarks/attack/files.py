"""Damage CSV and Parquet files in any byte, and read them as check, score and import do."""

import csv
import io
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import models
from benchmarks.attack.processes import make_attacked_bundle
from benchmarks.attack.summary import Summary
from churn.businesses import find_contract
from churn.contract.cells import text_from_cell
from churn.contract.sampling import draw_columns
from churn.errors import ChurnError, ExitCode
from churn.model.bundle import Bundle, load_bundle
from churn.outcomes.file import read_outcomes
from churn.reading.sources import cut_into_parts, find_sources, require_features
from churn.scoring.parts import Job, score_part
from churn.training.data import read_training_data

ROWS, PART_ROWS = 40, 16
READINGS_FOR_A_COMMAND = 150
LIMIT_S, COMMAND_LIMIT_S = 300.0, 60.0
PROMISED = {ExitCode.DONE, ExitCode.INVALID_DATA}
PIECES = (b"\x00", b"\xff", b'"', b",", b";", b"\r", b"\n", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"1e999", b"-", b"PAR1")
CONTRACT = find_contract(models.CONTRACT)

type Reader = Callable[[Path], object]


def attack(count: int, seed: int, home: Path) -> Summary:
    """Read so many damaged files in this process, and some more by real commands."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    bundle = load_bundle(make_attacked_bundle(home))
    readers: dict[str, Reader] = {
        "check": lambda path: read_training_data(CONTRACT, path),
        "score": lambda path: _score(bundle, path, home / "out"),
        "import": lambda path: read_outcomes(path, hash_key=str),
    }
    originals = _make_files(seed)
    faults: Counter[str] = Counter()
    tried, refused, until_s = 0, 0, time.monotonic() + LIMIT_S
    while tried < count and time.monotonic() < until_s:
        (name, read), (ending, content) = chance.choice(list(readers.items())), chance.choice(originals)
        path = home / f"damaged{ending}"
        path.write_bytes(damage(content, chance))
        try:
            read(path)
        except ChurnError:
            refused += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            faults[f"{name} of a damaged {ending}: {type(error).__name__}"] += 1
        tried += 1
    commands = max(3, count // READINGS_FOR_A_COMMAND)
    for _ in range(commands):
        ending, content = chance.choice(originals)
        path = home / f"damaged{ending}"
        path.write_bytes(damage(content, chance))
        if fault := _run_command(chance.choice(list(readers)), path, bundle.path, home):
            faults[fault] += 1
    found = tuple(f"{fault}, {number} times (seed {seed})" for fault, number in faults.items())
    figures: dict[str, float] = {"refused": refused, "read": tried - refused - faults.total(), "commands": commands}
    return Summary("files", tried + commands, found, figures)


def damage(content: bytes, chance: random.Random) -> bytes:
    """Change, remove, double or insert bytes at one to four places, or cut the file."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(damaged) + 1)
        width = chance.choice([1, 1, 2, 8, 64])
        new = chance.choice([*PIECES, chance.randbytes(width), damaged[at : at + width] * 2, b""])
        damaged[at : at + chance.choice([0, len(new), width])] = new
    return bytes(damaged[: chance.randrange(len(damaged) + 1)] if chance.random() < 1 / 8 else damaged)


def _make_files(seed: int) -> list[tuple[str, bytes]]:
    """Return (ending, content) of a table to train and score on, and of one to import, each as CSV and as Parquet."""
    columns = draw_columns(CONTRACT, np.random.default_rng(seed), ROWS)
    ids = [f"s-{at}" for at in range(ROWS)]
    stayed_left = [int(value) if value.isdigit() else value for value in CONTRACT.label_values]
    labels = [stayed_left[at % 2] for at in range(ROWS)]
    training = {CONTRACT.id_column: ids, **columns, CONTRACT.label_column: labels}
    files = []
    for table in (training, {"subscriber": ids, "left": labels}):
        files += [(".csv", _csv_from_table(table)), (".parquet", _parquet_from_table(table, "snappy"))]
    return [*files, (".csv", files[0][1]), (".parquet", _parquet_from_table(training, "none"))]


def _csv_from_table(table: dict[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table)
    writer.writerows([text_from_cell(cell) for cell in row] for row in zip(*table.values(), strict=True))
    return text.getvalue().encode()


def _parquet_from_table(table: dict[str, Any], compression: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(table), buffer, row_group_size=ROWS // 2, compression=compression)
    return buffer.getvalue()


def _score(bundle: Bundle, path: Path, out: Path) -> None:
    sources = find_sources(path)
    require_features(CONTRACT, sources)
    job = Job(out, bundle.path, bundle.sha256, threshold=0.5, reasons=1)
    for part in list(cut_into_parts(sources, PART_ROWS)):
        score_part(job, part)


def _run_command(name: str, path: Path, bundle: Path, home: Path) -> str:
    """Run a command in a home of its own; return what it broke, empty if nothing."""
    commands = {
        "check": ["data", "check", path],
        "score": ["score", path, "--bundle", bundle, "--out", home / "scored", "--overwrite", "--workers", "1"],
        "import": ["outcomes", "import", path],
    }
    environment = {**os.environ, "CHURN_HOME": str(home / "home"), "PREDICTION_LOG_SALT": "salt" * 8}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "churn", *map(str, commands[name])],
            env=environment,
            capture_output=True,
            check=False,
            timeout=COMMAND_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return f"churn {name} of a damaged {path.suffix}: not over in {COMMAND_LIMIT_S:.0f} s"
    if done.returncode in PROMISED and b"Traceback" not in done.stderr:
        return ""
    last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    return f"churn {name} of a damaged {path.suffix}: exit code {done.returncode}, {last}"
