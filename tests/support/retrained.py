"""A home with a champion, its training file, a log and outcomes, in which one may retrain."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churn.answers import Arm
from churn.businesses import find_contract
from churn.contract.sampling import draw_demo_columns
from churn.model.model import Prediction
from churn.model.shelf import CHAMPION
from churn.outcomes.file import Outcome
from churn.outcomes.store import locate_outcomes, write_outcomes
from churn.prediction_log.actions import Possible
from churn.prediction_log.places import locate_log
from churn.prediction_log.record import Entry, JournalHeader, LineMaker, hash_key
from churn.retention.banner import Decision
from churn.retention.offers.selection import Choice
from churn.training.data import read_training_data
from churn.training.methods.catalogue import XGBOOST
from churn.training.methods.method import Recipe
from churn.training.registry import Registry
from churn.training.versions import RunRecord, VersionInfo

SALT = "a secret of the tests"
CONTRACT = find_contract("streamflow")
PARAMS = {"trees": 40, "max_depth": 3, **XGBOOST.plain}
OFFERS = ("yearly", "pause")
BANNER: Any = {
    "reasons": [{"code": "tenure.low"}],
    "offer": {"code": "pause", "expected": {"net_dollars": 7.0}},
    "offers_considered": [{"code": "yearly", "why": "not_worth_its_cost", "net_dollars": -2.0}],
    "language": "en",
}
WITHHELD: Any = {"reasons": [], "offer": None, "offers_considered": [], "language": "en"}
DAY_S = 24 * 3600


def draw_people(generator: np.random.Generator, count: int, shift: dict[str, float]) -> tuple[Any, np.ndarray]:
    """Subscribers of the demo process: their columns, and with which probability each leaves without contact."""
    columns = draw_demo_columns(CONTRACT, generator, count, shift)
    process: Any = CONTRACT.demo
    return columns, 1 / (1 + np.exp(-process.log_odds(columns, shift)))


def write_training_file(path: Path, *, count: int = 2500, seed: int = 1) -> Path:
    """The file that the champion was trained on."""
    generator = np.random.default_rng(seed)
    columns, truth = draw_people(generator, count, {})
    left = generator.random(count) < truth
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(
        {CONTRACT.id_column: [f"old-{number}" for number in range(count)]}
        | {name: columns[name] for name in CONTRACT.feature_names()}
        | {CONTRACT.label_column: np.array(CONTRACT.label_values)[left.astype(int)]}
    ).to_csv(path, index=False)
    return path


def register_champion(home: Path, path: Path, *, params: dict[str, Any] | None = None) -> VersionInfo:
    """A version as `churn train` registers it, without its figures, and made champion."""
    data = read_training_data(CONTRACT, path)
    split = data.split(CONTRACT)
    model = Recipe(XGBOOST, PARAMS, 0).fit(CONTRACT, data.rows[split.train], data.labels[split.train])
    tags = {
        "model_version": "v2.3.1",
        "contract": CONTRACT.contract_name,
        "contract_fingerprint": CONTRACT.fingerprint,
        "training_date": "2026-01-10",
        "training_data_version": data.version,
        "training_data_sha256": data.sha256,
        **split.boundary.build_tags(),
    }
    said = {"method": XGBOOST.name, **PARAMS, "rows": len(data.labels), "holdout_rows": len(split.holdout)}
    registry = Registry(home)
    info = registry.register(CONTRACT, model, RunRecord(said if params is None else params, {}, tags, {}))
    registry.promote(info, {})
    return registry.find(f"models:/{info.name}@{CHAMPION}")


def write_log(
    home: Path, champion: VersionInfo, *, count: int = 2500, share: float = 0.3, shift: dict[str, float] | None = None
) -> tuple[int, int]:
    """A journal of subscribers whom the champion answered, and what became of all of them; the first and last time."""
    generator, shift = np.random.default_rng(5), shift or {}
    columns, truth = draw_people(generator, count, shift)
    rows = CONTRACT.encode_columns(columns)
    model = Registry(home).fetch(champion).trained
    scores, held = model.predict(rows), generator.random(count) < share
    places = locate_log(None, CONTRACT.contract_name, home=home)
    places.prepare()
    header = JournalHeader(
        CONTRACT.contract_name, tuple(CONTRACT.feature_names()), "v2.3.1", "0" * 64, CONTRACT.threshold, SALT,
        possible=Possible(OFFERS), experiment="trial", holdout_share=share, policy_version="1", policy_sha256="c" * 64,
    )  # fmt: skip
    lines = LineMaker(header)
    written, outcomes = [lines.header], []
    begin = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    for number, row in enumerate(rows.tolist()):
        score, key = float(scores[number]), f"new-{number}"
        arm: Arm = "holdout" if held[number] else "treatment"
        above = score > CONTRACT.threshold
        answer: Any = {"top_reasons": [], "show_retention_banner": above}
        shown: Any = {**(WITHHELD if held[number] else BANNER), "arm": arm}
        choice = Choice("pause", "pause", BANNER["offer"], BANNER["offers_considered"], [-2.0, 7.0])
        decision = Decision(shown, choice, "risk", []) if above else None
        prediction = Prediction(score, tuple(row), (0.0,) * len(row), 0.0)
        at_ns = (begin + number) * 10**9
        written.append(lines.make_line(Entry(at_ns, f"{number:032x}", "", key, prediction, answer, decision, arm=arm)))
        stays = 0.5 if above and not held[number] else 1.0
        left = bool(generator.random() < truth[number] * stays)
        outcomes.append(Outcome("subscriber", str(hash_key(key, SALT)), left, None))
    (places.journals / "one.jsonl").write_bytes(b"".join(written))
    write_outcomes(locate_outcomes(home, CONTRACT.contract_name), outcomes)
    return begin, begin + count - 1


def make_home(home: Path, **log: Any) -> VersionInfo:
    """All of it."""
    champion = register_champion(home, write_training_file(home / "data" / "old.csv"))
    write_log(home, champion, **log)
    return champion
