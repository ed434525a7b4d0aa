"""Outcomes that an earlier version imported are known."""

from pathlib import Path

from support.earlier import SALT, earlier_json

from churn.outcomes.file import Outcome
from churn.outcomes.store import erase_outcomes, load_outcomes, locate_outcomes
from churn.prediction_log.record import hash_key
from churn.web.database import locate_copy


def test_each_outcome_is_known_by_subscriber_or_by_prediction(own_home: Path) -> None:
    known = {outcome.id: outcome for outcome in load_outcomes(locate_outcomes(own_home, "streamflow"))}
    assert len(known) == 31
    for number, asked in enumerate(earlier_json("answers.json")):
        key, left = hash_key(asked["headers"].get("X-Subscriber-Key"), SALT), number % 4 == 0
        if key:
            assert known[key] == Outcome("subscriber", key, left, (True, False, None)[number % 3])
        else:
            prediction_id = asked["answer"]["prediction_id"]
            assert known[prediction_id] == Outcome("prediction_id", prediction_id, left, None)


def test_reading_outcomes_leaves_the_file_as_it_is(own_home: Path) -> None:
    path = locate_outcomes(own_home, "streamflow")
    before = path.read_bytes()
    assert len(load_outcomes(path)) == 31
    assert path.read_bytes() == before


def test_an_outcome_can_be_forgotten_also_in_a_copy_from_before_a_step(own_home: Path) -> None:
    path, key = locate_outcomes(own_home, "streamflow"), hash_key("subscriber-1", SALT)
    assert key is not None
    locate_copy(path).write_bytes(path.read_bytes())
    assert erase_outcomes(path, key) == 1
    assert len(load_outcomes(path)) == 30
    assert [file.name for file in path.parent.iterdir() if key.encode() in file.read_bytes()] == []


def test_a_copy_that_lies_alone_is_erased_too(tmp_path: Path) -> None:
    path = tmp_path / "streamflow.sqlite"
    locate_copy(path).write_bytes(b"somebody's rows")
    assert erase_outcomes(path, "key") == 0
    assert list(tmp_path.iterdir()) == []
