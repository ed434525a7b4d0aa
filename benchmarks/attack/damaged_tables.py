"""Read damaged tables with a kernel that sanitizers watch; arguments are BUNDLE SEED FIRST END.

A process of its own, since a sanitizer ends it. Before each number in FIRST..END it prints the number and what is
damaged, afterwards how that ended. The sums of `manifest.json`, `manifest.sha256` and, half the time, the golden rows
fit the damage: only the checks of content can refuse it.
"""

import hashlib
import io
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.errors import BundleError
from churn.explain.arrays import ARRAYS, Tables, file_name
from churn.explain.tables import build_table_explainer
from churn.model.bundle import Golden, probabilities_from_contributions, verify_bundle
from churn.model.held import HeldFiles
from churn.model.manifest import GOLDEN, MANIFEST, MANIFEST_SHA256, seal_from_manifest

EXTREMES = (0, 1, -1, 2**62, -(2**63), 2**63 - 1, -(2**62), 2**31, 2**32, 7, 8, 15, 16, 17, 255, 256)
FLOATS = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 1e30, -1e30, 1.0)
WRAPPING = (2**62, -(2**63), -(2**62))  # each step is a rise in numbers of 64 bits that wrap
HOLLOW_SHARE = 0.2
ASKED_ALWAYS = ["base", "thresholds", "threshold_ends"]
HEADER_BYTES = 128
ROWS = 40
CELLS = np.array([-3e38, -1, 0, 1, 2, 5, 14, 50, 89.5, 1e3, 3e38, np.inf, -np.inf, np.nan], np.float32)


def damage_arrays(original: dict[str, bytes], chance: random.Random) -> dict[str, bytes]:
    """Return the files of one or two arrays, damaged.

    Now and then no group asks about any feature, and all thresholds rise, so that nothing else contradicts wrong ends.
    """
    is_hollow = chance.random() < HOLLOW_SHARE
    names = chance.sample(ASKED_ALWAYS if is_hollow else list(ARRAYS), chance.choice([1, 1, 2]))
    damaged = {file_name(name): _damage(original[file_name(name)], chance) for name in names}
    hollow = {file_name(name): _save(empty) for name, empty in ARRAYS.items() if name not in ASKED_ALWAYS}
    count = np.load(io.BytesIO(original[file_name("thresholds")])).size
    hollow[file_name("thresholds")] = _save(np.arange(count, dtype=np.float32))
    return hollow | damaged if is_hollow else damaged


def _damage(content: bytes, chance: random.Random) -> bytes:
    array: npt.NDArray[Any] = np.load(io.BytesIO(content))
    kind = chance.choice(["values", "values", "values", "run", "wrapping", "form", "header", "cut", "bytes"])
    damaged = bytearray(content)
    if kind == "wrapping" and array.dtype == np.int64:
        begin = chance.randrange(max(1, array.size - len(WRAPPING)))
        part = array.reshape(-1)[begin : begin + len(WRAPPING)]
        part[:] = WRAPPING[: part.size]
        return _save(array)
    if kind in {"values", "run"} and array.size:
        count = chance.choice([1, 1, 2, 4])
        begin = chance.randrange(array.size)
        places = (
            range(begin, min(begin + count, array.size))
            if kind == "run"
            else chance.choices(range(array.size), k=count)
        )
        for place in places:
            array.flat[place] = _draw_value(array, place, chance)
        return _save(array)
    if kind == "form":
        return _save(_change_form(array, chance))
    if kind == "cut":
        return content[: chance.randrange(len(content))]
    begin, end = (0, HEADER_BYTES) if kind == "header" else (min(HEADER_BYTES, len(content) - 1), len(content))
    for _ in range(chance.choice([1, 3, 30])):
        damaged[chance.randrange(begin, end)] = chance.randrange(256)
    return bytes(damaged)


def _draw_value(array: npt.NDArray[Any], place: int, chance: random.Random) -> float:
    """Draw an extreme, a neighbour of the present value, or another value of the array."""
    if array.dtype == np.uint8:
        return chance.choice([0, 1, 2, 255])
    other = array.flat[chance.randrange(array.size)]
    if array.dtype == np.int64:
        near = int(array.flat[place]) + chance.choice([-8, -1, 1, 8])
        return max(-(2**63), min(2**63 - 1, chance.choice([*EXTREMES, near, int(other)])))
    return chance.choice([*FLOATS, float(other)])


def _change_form(array: npt.NDArray[Any], chance: random.Random) -> npt.NDArray[Any]:
    return chance.choice([
        array[:0], array[:-1], array[::-1], np.concatenate([array, array[-1:]]), np.concatenate([array, array]),
        array.reshape(-1), array.astype(array.dtype.newbyteorder()), array.astype(np.float64), array.astype(np.int32),
        array.astype(bool), np.asfortranarray(array.reshape(len(array), -1)),
    ])  # fmt: skip


def _save(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def attack_once(path: Path, original: dict[str, bytes], damaged: dict[str, bytes], chance: random.Random) -> str:
    """Read the tables and answer from them. Return `refused`, `answers`, or what is wrong."""
    files = original | damaged
    manifest = json.loads(files[MANIFEST])
    rows = np.random.default_rng(chance.randrange(2**32)).choice(CELLS, (ROWS, len(manifest["features"])))
    try:
        tables = Tables.read({name: memoryview(content) for name, content in files.items()})
    except Exception:  # noqa: BLE001 - any, as its docstring says; `verify_bundle` has to turn it into a BundleError
        tables = None
    if tables and len(tables.threshold_ends) == rows.shape[1]:
        explain = build_table_explainer(tables)
        if not np.isfinite(explain(rows)).all():
            return "an answer is no number"
        golden = Golden.model_validate_json(files[GOLDEN])
        explained = explain(np.array(golden.rows, np.float32)).tolist()
        if chance.random() < 1 / 2:
            new = golden.model_copy(
                update={"contributions": explained, "probability": probabilities_from_contributions(explained)}
            )
            files[GOLDEN] = new.model_dump_json().encode()
    manifest["files"] |= {name: hashlib.sha256(files[name]).hexdigest() for name in {*damaged, GOLDEN}}
    files[MANIFEST] = json.dumps(manifest).encode()
    files[MANIFEST_SHA256] = seal_from_manifest(files[MANIFEST])
    try:
        bundle = verify_bundle(path, HeldFiles(files))
    except BundleError:
        return "refused"
    answers = bundle.model.predict_encoded([tuple(row) for row in rows.tolist()])
    return "answers" if all(0 <= answer.probability <= 1 for answer in answers) else "a probability is none"


def main(path: Path, seed: str, first: int, end: int) -> None:
    """Damage and read so often, and print how each ended."""
    original = {file.name: file.read_bytes() for file in path.iterdir()}
    for number in range(first, end):
        chance = random.Random(f"{seed}-{number}")  # noqa: S311 - repeatable
        damaged = damage_arrays(original, chance)
        _say(f"{number} {'+'.join(damaged)} ")
        try:
            outcome = attack_once(path, original, damaged, chance)
        except Exception as error:  # noqa: BLE001 - what is looked for
            outcome = f"{type(error).__name__}: {error}"
        _say(f"{' '.join(outcome.split())}\n")


def _say(text: str) -> None:
    """Print it at once, for a sanitizer may end the process next."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
