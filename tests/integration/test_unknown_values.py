"""A business that does not know everything of everybody, from its data file to the replay of an answer."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import support.patchy
from support.in_process import as_in_a_batch
from support.processes import serving, succeed

from churn.businesses import find_contract
from churn.contract.sampling import draw_columns
from churn.errors import DataError
from churn.model.bundle import load_bundle
from churn.model.manifest import ModelCard
from churn.model.reference import measure_reference
from churn.model.sealing import write_bundle
from churn.monitoring.drift import measure_drift, read_reference
from churn.reading.sources import describe_absent, find_sources, require_features
from churn.training.data import DataProblem, InvalidData, read_training_data
from churn.training.methods.catalogue import XGBOOST

ROWS, TREES = 600, {"trees": 12, "max_depth": 3, "eta": 0.4}
GOALS = ["health", "strength", "swimming", "boxing"]
WORN = {"visits": 1, "goal": "swimming", "town": None}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the business, its data file and the bundle of a model that was trained on it."""
    home = tmp_path_factory.mktemp("patchy")
    businesses = home / "businesses"
    businesses.mkdir()
    for file in (Path(support.patchy.__file__), Path(support.patchy.__file__).with_suffix(".toml")):
        (businesses / file.name).write_bytes(file.read_bytes())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHURN_BUSINESSES", str(businesses))
        environment.setenv("CHURN_CONTRACT", "patchy")
        environment.setenv("MODEL_PATH", str(home / "bundle"))
        contract, generator = find_contract("patchy"), np.random.default_rng(0)
        columns = draw_columns(contract, generator, ROWS) | {"goal": generator.choice(GOALS, ROWS)}
        # Those of whom little is known leave, so that there are splits which tell only that.
        risk = pd.isna(columns["tenure"]) * 3.0 + pd.isna(columns["fee"]) * 2.0 - 0.5 * columns["visits"]
        left = generator.random(ROWS) < 1 / (1 + np.exp(-risk))
        frame = pd.DataFrame({"member_id": [f"m{row}" for row in range(ROWS)], "shoe size": 42, **columns})
        frame.assign(left=np.where(left, "yes", "no")).to_csv(home / "data.csv", index=False)
        frame.to_parquet(home / "people.parquet")
        frame.to_csv(home / "people.csv", index=False)
        data = read_training_data(contract, home / "data.csv")
        model = XGBOOST.fit(contract, data.rows, data.labels, TREES)
        write_bundle(
            home / "bundle",
            contract=contract,
            model=model,
            card=ModelCard(model_version="v1"),
            golden_rows=data.rows[:20],
            reference=measure_reference(contract, data.rows, np.full(ROWS, 0.5)),
            more_rows=data.rows,
        )
        yield home


def run(home: Path, *arguments: str | Path) -> str:
    return succeed(home, *arguments, MODEL_PATH=home / "bundle")


def test_blanks_and_other_categories_are_counted_and_a_column_that_nobody_reads_is_refused_if_asked(home: Path) -> None:
    contract, path = find_contract("patchy"), home / "data.csv"
    read, frame = read_training_data(contract, path), pd.read_csv(path)
    assert read.unread == ("shoe size",)
    assert read.counts is not None
    assert read.counts.blanks == {name: count for name, count in frame.isna().sum().items() if count}
    assert read.counts.others == {"goal": Counter(frame.goal[frame.goal.isin(GOALS[2:])])}
    said = "\n".join(read.counts.describe())
    assert f"tenure is blank in {frame.tenure.isna().sum()} of 600 rows" in said
    assert "of 600 rows" in said
    assert "taken as other: 'swimming' (" in said or "taken as other: 'boxing' (" in said
    with pytest.raises(DataError) as refused:
        read_training_data(contract, path, strict=True)
    assert "has columns that the contract does not name: shoe size" in refused.value.message


def test_trees_that_split_on_blanks_are_compiled_and_hold_what_is_shown(home: Path) -> None:
    bundle = load_bundle(home / "bundle")
    assert bundle.manifest.explainer == "tables"
    trees = json.loads((home / "bundle" / "reference.json").read_text())["features"]
    assert trees["tenure"]["unknown"] > 0
    assert "unknown" not in trees["visits"]
    assert json.loads(run(home, "prove", home / "bundle", "--rows", "400", "--json"))["broken"] == {}


def test_every_way_of_asking_gives_the_same_answer_and_its_record_is_replayed(home: Path) -> None:
    sent = pd.read_csv(home / "people.csv").drop(columns=["member_id", "shoe size"]).head(40)
    people: list[dict[str, Any]] = json.loads(sent.astype({"newsletter": "boolean"}).to_json(orient="records"))
    absent = [{name: value for name, value in person.items() if value is not None} for person in people]
    with (
        serving(home, "serve", MODEL_PATH=home / "bundle", CHURN_THRESHOLD="0.3") as (address, _),
        httpx2.Client(base_url=address, trust_env=False) as client,
    ):
        alone = [as_in_a_batch(client.post("/predict", json=person).json()) for person in people]
        assert [as_in_a_batch(client.post("/predict", json=person).json()) for person in absent[:9]] == alone[:9]
        assert client.post("/predict/batch", json=absent).json()["predictions"] == alone
        worn = client.post("/predict", json=WORN, params={"reasons": 7}).json()
        schema = client.get("/openapi.json").json()["components"]["schemas"]["Reason"]["properties"]["value"]
    reasons = {reason["feature"]: reason for reason in worn["top_reasons"]}
    assert (reasons["tenure"]["value"], reasons["goal"]["value"], reasons["visits"]["value"]) == (None, 2.0, 1.0)
    assert reasons["tenure"]["plain_language"] == "Tenure unknown increases churn risk"
    assert {"code": "tenure.unknown", "why": "not_for_customers"} in worn["retention"]["suppressed"]
    assert "fee.unknown" in {reason["code"] for reason in worn["retention"]["reasons"]}
    assert schema["anyOf"] == [{"type": "number"}, {"type": "null"}]
    records = {record["prediction_id"]: record for record in json.loads(run(home, "predictions", "tail", "--json"))}
    assert records[worn["prediction_id"]]["feature_tenure"] is None
    assert "the same, bit for bit" in run(home, "replay", worn["prediction_id"], "--bundle", home / "bundle")
    for kind in ("csv", "parquet"):
        run(home, "score", home / f"people.{kind}", "--out", home / kind, "--workers", "1")
        scored = pq.ParquetDataset(home / kind).read().slice(0, len(alone))
        assert scored["churn_probability"].to_pylist() == [answer["churn_probability"] for answer in alone]
        assert scored["top_reasons"].to_pylist() == [answer["top_reasons"] for answer in alone]


def test_a_file_without_a_column_is_scored_and_it_is_said(home: Path) -> None:
    pd.read_csv(home / "people.csv").drop(columns="tenure").to_csv(home / "less.csv", index=False)
    contract, sources = find_contract("patchy"), find_sources(home / "less.csv")
    assert require_features(contract, sources) == ["shoe size"]
    assert list(describe_absent(contract, sources)) == ["there is no column tenure: its values are not known"]
    less = pd.read_csv(home / "data.csv").drop(columns="tenure")
    less.to_csv(home / "less.csv", index=False)
    with pytest.raises(InvalidData) as refused:
        read_training_data(contract, home / "less.csv")
    assert refused.value.problems == [DataProblem("tenure", "missing column", 1)]


def test_drift_knows_blanks_from_values(home: Path) -> None:
    _, features = read_reference(json.loads((home / "bundle" / "reference.json").read_text()))
    tenure = next(item for item in features if item.name == "tenure")
    assert tenure.bins[-1] == "unknown"
    assert tenure.count(np.array([0.0, np.nan, 14.0, np.nan]))[-1] == 2
    assert measure_drift(tenure, tenure.count(np.full(900, np.nan))).band == "far"
