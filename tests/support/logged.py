"""Predictions in a log, written as the service writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from churn.businesses import find_contract
from churn.contract.sampling import draw_demo_columns
from churn.model.model import Prediction
from churn.prediction_log.places import Places
from churn.prediction_log.record import Entry, JournalHeader, LineMaker
from support.predicted import SALT


def write_journal(
    places: Places,
    name: str,
    *,
    version: str,
    features: Sequence[str],
    rows: Sequence[Sequence[float]],
    scores: Sequence[float],
    at_s: int = 0,
    keys: Sequence[str] = (),
) -> None:
    """A journal that nobody writes to any more, one prediction a second, with keys if there are any."""
    places.prepare()
    lines = LineMaker(JournalHeader("streamflow", tuple(features), version, "0" * 64, 0.6, SALT if keys else None))
    written = [lines.header]
    for number, (row, score) in enumerate(zip(rows, scores, strict=True)):
        prediction = Prediction(score, tuple(row), (0.0,) * len(row), 0.0)
        at_ns, made = (at_s + number) * 10**9, f"{at_s + number:032x}"
        key = keys[number] if keys else None
        noted = Entry(at_ns, made, "", key, prediction, {"top_reasons": [], "show_retention_banner": False}, None)  # type: ignore[typeddict-item] # all that is read of an answer
        written.append(lines.make_line(noted))
    (places.journals / f"{name}.jsonl").write_bytes(b"".join(written))


def write_demo_log(where: Path, *, dearer: float) -> Places:
    """A journal of 2,000 demo subscribers with any score, whose monthly charges are so many times as high."""
    contract = find_contract("streamflow")
    places = Places(str(where), where / "journals")
    generator = np.random.default_rng(5)
    rows = contract.encode_columns(draw_demo_columns(contract, generator, 2000))
    features = contract.feature_names()
    rows[:, features.index("monthly_charges")] *= dearer
    scores = generator.random(len(rows)).tolist()
    write_journal(places, "one", version="v1", features=features, rows=rows.tolist(), scores=scores)
    return places
