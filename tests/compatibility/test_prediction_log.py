"""Records of an earlier version are found, and the answers are made again from them bit for bit."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.earlier import EARLIER, SALT, earlier_json
from support.predicted import make_entry, make_header

from churn.businesses import find_contract
from churn.model.bundle import load_bundle
from churn.model.shelf import open_shelf
from churn.prediction_log.batches import rows_from_batch
from churn.prediction_log.places import locate_log
from churn.prediction_log.reader import find_record, read_latest_records, read_records
from churn.prediction_log.record import ADDED, LineMaker, hash_key
from churn.prediction_log.replay import find_bundle, replay
from churn.shadow.reading import read_pairs

LOG = locate_log(None, "streamflow", home=EARLIER)
RECORDS = {record["prediction_id"]: record for record in earlier_json("expected/records.json")}


@pytest.mark.parametrize("prediction_id", RECORDS)
def test_each_record_is_found_and_replays_bit_for_bit(prediction_id: str) -> None:
    record = find_record(LOG, prediction_id)
    assert record.items() >= RECORDS[prediction_id].items()
    bundle = find_bundle(record, open_shelf(EARLIER, "streamflow"))
    assert bundle.manifest.model_version == record["model_version"]
    assert replay(record, bundle) == []


def test_the_log_holds_what_was_asked_and_answered() -> None:
    answers = {each["answer"]["prediction_id"]: each for each in earlier_json("answers.json")}
    assert answers.keys() == RECORDS.keys()
    for prediction_id, record in RECORDS.items():
        asked, answer = answers[prediction_id], answers[prediction_id]["answer"]
        assert record["request_id"] == asked["headers"]["X-Request-ID"]
        assert record["subscriber"] == hash_key(asked["headers"].get("X-Subscriber-Key"), SALT)
        assert (record["probability"], record["banner"]) == (
            answer["churn_probability"],
            answer["show_retention_banner"],
        )
        assert record["arm"] == (answer["retention"] or {}).get("arm")


def test_the_log_has_every_kind_of_record() -> None:
    assert {record["arm"] for record in RECORDS.values()} == {None, "holdout", "treatment", "unassigned"}
    assert {record["challenger_version"] for record in RECORDS.values()} == {None, "v0.0.2"}
    assert {record["model_version"] for record in RECORDS.values()} == {"v0.0.1", "v0.0.2"}


def test_the_pairs_of_champion_and_challenger_are_read_from_segments_and_journals() -> None:
    [(bundles, tally)] = read_pairs(LOG, find_contract("streamflow")).items()
    assert (bundles.champion, bundles.challenger, tally.pairs) == ("v0.0.1", "v0.0.2", 22)
    assert tally.last_us is not None
    assert datetime.fromtimestamp(tally.last_us / 1e6, UTC).date().isoformat() == "2026-11-29"


def test_records_of_an_earlier_version_and_of_today_read_as_one(tmp_path: Path) -> None:
    shutil.copytree(EARLIER / "predictions", tmp_path / "predictions")
    log = locate_log(None, "streamflow", home=tmp_path)
    bundle = load_bundle(next((EARLIER / "bundles" / "streamflow").glob("v*")))
    maker, entry = LineMaker(make_header(bundle)), make_entry(bundle)
    (log.journals / "of-today.jsonl").write_bytes(maker.header + maker.make_line(entry))
    latest = read_latest_records(log, 1000)
    assert {tuple(record) for record in latest} == {tuple(latest[0])}
    for record in latest:
        is_blank = {name: record[name] in (None, []) for name in ADDED}
        assert all(is_blank.values()) if record["prediction_id"] in RECORDS else not is_blank["actions"]
    columns = ["prediction_id", "arm", "experiment", "actions"]
    rows = [row for batch in read_records(log, columns) for row in rows_from_batch(batch)]
    assert {row["prediction_id"] for row in rows} == RECORDS.keys() | {entry.prediction_id}
    assert {row["experiment"] for row in rows} == {None, make_header(bundle).experiment}
