"""A business with dates, from its data file to the replay of an answer."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import support.dated
from support.dated import CONTRACT as DATED
from support.in_process import as_in_a_batch
from support.processes import serving, succeed

from churn.contract.subscriber import subscriber_from_json
from churn.errors import DataError
from churn.model.bundle import load_bundle
from churn.model.manifest import ModelCard
from churn.model.reference import measure_reference
from churn.model.sealing import write_bundle
from churn.reading.sources import describe_absent, find_sources, require_features
from churn.training.data import DataProblem, InvalidData, read_training_data
from churn.training.methods.catalogue import XGBOOST

ROWS, TREES = 600, {"trees": 12, "max_depth": 3, "eta": 0.4}
COUNTED_ON = date(2023, 12, 31)


def make_readers(day: date, count: int, seed: int) -> pd.DataFrame:
    """Readers as a database would write them on a day."""
    generator = np.random.default_rng(seed)

    def ago(days: int) -> list[str]:
        return [(day - timedelta(days=int(past))).isoformat() for past in generator.integers(0, days, count)]

    visits = [None if is_blank else day for is_blank, day in zip(generator.random(count) < 0.1, ago(400), strict=True)]
    return pd.DataFrame({
        "reader": [f"r{row}" for row in range(count)],
        "books": generator.integers(0, 9, count),
        "joined_on": ago(3000),
        "last_visit": visits,
    })  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the business, its data file and the bundle of a model that was trained on it."""
    home = tmp_path_factory.mktemp("dated")
    businesses = home / "businesses"
    businesses.mkdir()
    for file in (Path(support.dated.__file__), Path(support.dated.__file__).with_suffix(".toml")):
        (businesses / file.name).write_bytes(file.read_bytes())
    frame = make_readers(COUNTED_ON, ROWS, 0)
    silent = (pd.Timestamp(COUNTED_ON) - pd.to_datetime(frame.last_visit)).dt.days.fillna(400)
    left = np.random.default_rng(1).random(ROWS) < 1 / (1 + np.exp(2 - silent / 80))
    frame.assign(left=np.where(left, "yes", "no"), counted_on=f"{COUNTED_ON} 12:00:00").to_csv(
        home / "data.csv", index=False
    )
    today = datetime.now(UTC).date()
    people = make_readers(today, 60, 2)
    people.to_csv(home / "people.csv", index=False)
    table = pa.table({
        "reader": people.reader.tolist(),
        "books": people.books.tolist(),
        "joined_on": pa.array(pd.to_datetime(people.joined_on).dt.date.tolist(), pa.date32()),
        "last_visit": pa.array(
            [None if pd.isna(day) else pd.Timestamp(day, tz="UTC") for day in people.last_visit],
            pa.timestamp("ns", tz="UTC"),
        ),
    })  # fmt: skip
    pq.write_table(table, home / "people.parquet")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHURN_BUSINESSES", str(businesses))
        environment.setenv("CHURN_CONTRACT", "dated")
        data = read_training_data(DATED, home / "data.csv")
        write_bundle(
            home / "bundle",
            contract=DATED,
            model=XGBOOST.fit(DATED, data.rows, data.labels, TREES),
            card=ModelCard(model_version="v1", as_of=data.as_of),
            golden_rows=data.rows[:20],
            reference=measure_reference(DATED, data.rows, np.full(ROWS, 0.5)),
            more_rows=data.rows,
        )
        yield home


def run(home: Path, *arguments: str | Path) -> str:
    return succeed(home, *arguments, MODEL_PATH=home / "bundle")


def test_a_file_says_for_each_row_to_which_day_it_counts_and_its_record_says_so(home: Path) -> None:
    data = read_training_data(DATED, home / "data.csv")
    assert data.as_of == load_bundle(home / "bundle").manifest.as_of == "column counted_on"
    assert data.counts is not None
    assert [*data.counts.blanks] == ["last_visit"]
    frame = pd.read_csv(home / "data.csv")
    days = (pd.Timestamp(COUNTED_ON) - pd.to_datetime(frame.joined_on)).dt.days
    assert data.columns["days_since_joining"].tolist() == days.tolist()
    with pytest.raises(DataError, match="which says it for each row"):
        read_training_data(DATED, home / "data.csv", as_of=COUNTED_ON)


def test_the_day_may_be_stated_and_dates_after_it_are_counted_as_problems(home: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(home / "data.csv").drop(columns="counted_on")
    frame.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataError, match="nothing says to which day"):
        read_training_data(DATED, tmp_path / "data.csv")
    assert read_training_data(DATED, tmp_path / "data.csv", as_of=COUNTED_ON).as_of == "2023-12-31"
    said = succeed(home, "data", "check", tmp_path / "data.csv", "--as-of", "2023-12-31", "--json")
    assert json.loads(said)["as_of"] == "2023-12-31"
    early = COUNTED_ON - timedelta(days=100)
    late = [line + 2 for line, day in enumerate(frame.last_visit) if str(day) > str(early + timedelta(days=1))]
    with pytest.raises(InvalidData) as refused:
        read_training_data(DATED, tmp_path / "data.csv", as_of=early)
    found = {problem.column: problem for problem in refused.value.problems}
    blank = int(frame.last_visit.isna().sum())
    assert found["last_visit"].check == "after the day of reference"
    assert found["last_visit"].count == len(late) - blank


def test_a_file_lacks_neither_date_nor_features_and_has_not_both(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    frame = pd.read_csv(home / "data.csv")
    frame.drop(columns="joined_on").to_csv(path, index=False)
    with pytest.raises(InvalidData) as refused:
        read_training_data(DATED, path)
    assert refused.value.problems == [DataProblem("joined_on", "missing column", 1)]
    frame.assign(month_of_joining="May").to_csv(path, index=False)
    with pytest.raises(InvalidData) as refused:
        read_training_data(DATED, path)
    assert [problem.check for problem in refused.value.problems] == ["derived from joined_on, which is there too"]
    with pytest.raises(DataError, match="month_of_joining, which is derived from it"):
        require_features(DATED, find_sources(path))
    derived = frame.drop(columns=["joined_on"]).assign(month_of_joining="May", days_since_joining=3)
    derived.to_csv(path, index=False)
    assert set(read_training_data(DATED, path).columns["days_since_joining"]) == {3}
    derived.drop(columns="last_visit").to_csv(path, index=False)
    require_features(DATED, find_sources(path))
    assert list(describe_absent(DATED, find_sources(path))) == [
        "there is no column last_visit: its values are not known"
    ]


def test_every_way_of_asking_gives_the_same_answer_and_its_record_is_replayed(home: Path) -> None:
    sent = pd.read_csv(home / "people.csv").drop(columns="reader").head(40)
    people: list[dict[str, Any]] = json.loads(sent.to_json(orient="records"))
    with (
        serving(home, "serve", MODEL_PATH=home / "bundle", CHURN_THRESHOLD="0.3") as (address, _),
        httpx2.Client(base_url=address, trust_env=False) as client,
    ):
        before = datetime.now(UTC).date()
        answers = [client.post("/predict", json=person, params={"reasons": 4}).json() for person in people]
        alone = [as_in_a_batch(answer) for answer in answers]
        batch = client.post("/predict/batch", json=people, params={"reasons": 4}).json()
        late = client.post("/predict", json=people[0] | {"joined_on": "2999-01-01"})
        today = datetime.now(UTC).date()
    assert batch["predictions"] == alone
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "joined_on")
    if today != before:
        pytest.skip("the day has changed while this ran")
    model = load_bundle(home / "bundle").model
    expected = model.predict([subscriber_from_json(DATED, person, as_of=today) for person in people])
    assert [answer["churn_probability"] for answer in alone] == [prediction.probability for prediction in expected]
    days = {reason["feature"]: reason["value"] for reason in alone[-1]["top_reasons"]}["days_since_joining"]
    assert days == (today - date.fromisoformat(people[-1]["joined_on"])).days
    records = {record["prediction_id"]: record for record in json.loads(run(home, "predictions", "tail", "--json"))}
    asked = answers[-1]["prediction_id"]
    assert records[asked]["feature_days_since_joining"] == days
    assert "the same, bit for bit" in run(home, "replay", asked, "--bundle", home / "bundle")
    for kind in ("csv", "parquet"):
        said = run(home, "score", home / f"people.{kind}", "--out", home / kind, "--workers", "1", "--reasons", "4")
        scored = pq.ParquetDataset(home / kind).read().slice(0, len(alone))
        assert scored["top_reasons"].to_pylist() == [answer["top_reasons"] for answer in alone]
        assert scored["churn_probability"].to_pylist() == [answer["churn_probability"] for answer in alone]
        assert json.loads((home / kind / "_summary.json").read_text())["as_of"] == today.isoformat()
        assert said


def test_bulk_scoring_counts_to_the_day_that_is_stated_or_stands_in_the_row(home: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(home / "data.csv").drop(columns="left")
    frame.loc[3, "joined_on"] = "31.12.2020"
    frame.loc[5, "last_visit"] = "2024-05-05"
    frame.loc[7, "counted_on"] = "?"
    frame.to_csv(tmp_path / "in_rows.csv", index=False)
    frame.drop(columns="counted_on").to_csv(tmp_path / "stated.csv", index=False)
    run(home, "score", tmp_path / "in_rows.csv", "--out", tmp_path / "in_rows", "--workers", "1")
    stated = ("score", tmp_path / "stated.csv", "--out", tmp_path / "stated", "--workers", "1")
    run(home, *stated, "--as-of", "2023-12-31")
    by_row = [pq.ParquetDataset(tmp_path / name).read().to_pandas() for name in ("in_rows", "stated")]
    both = by_row[0].merge(by_row[1], on="reader")
    assert len(by_row[0]) == ROWS - 3
    assert len(both) == len(by_row[0])
    assert (both.churn_probability_x == both.churn_probability_y).all()
    rejects = pq.ParquetDataset(tmp_path / "in_rows" / "_rejects").read().to_pylist()
    assert [(row["row"], [error["field"] for error in row["errors"]]) for row in rejects] == [
        (4, ["joined_on"]), (6, ["last_visit"]), (8, ["counted_on"])
    ]  # fmt: skip
    assert "last_visit must be a date from " in rejects[1]["errors"][0]["message"]
