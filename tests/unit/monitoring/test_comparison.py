"""The latest predictions, from segments and journals as the service writes them."""

from pathlib import Path

from support.logged import write_journal

from churn.monitoring.comparison import read_latest
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places
from churn.prediction_log.segments import open_store

FEATURES = ["tenure", "charges"]


def write(places: Places, name: str, *, version: str, values: list[float], at: int) -> None:
    rows = [(value, 2 * value) for value in values]
    write_journal(places, name, version=version, features=FEATURES, rows=rows, scores=[0.25] * len(values), at_s=at)


def log(tmp_path: Path) -> Places:
    return Places(str(tmp_path / "log"), tmp_path / "log" / "journals")


def test_what_is_closed_and_what_is_not_yet_are_both_seen(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", version="v1", values=[1, 2], at=100)
    close_journals(places.journals, open_store(places.where))
    write(places, "two", version="v1", values=[3], at=200)
    write(places, "three", version="v2", values=[9], at=300)
    live = read_latest(places, FEATURES, "v1", most=100)
    assert sorted(live.values["tenure"]) == [1, 2, 3]
    assert sorted(live.values["charges"]) == [2, 4, 6]
    assert (live.records, live.versions, live.first, live.last) == (3, {"v1": 3, "v2": 1}, 100.0, 200.0)


def test_no_more_is_read_than_asked_for_and_the_newest_first(tmp_path: Path) -> None:
    places = log(tmp_path)
    for number, value in enumerate([1.0, 2.0, 3.0]):
        write(places, f"j{number}", version="v1", values=[value] * 10, at=100 * (number + 1))
        close_journals(places.journals, open_store(places.where))
    assert set(read_latest(places, FEATURES, "v1", most=20).values["tenure"]) == {2.0, 3.0}


def test_journals_are_the_newest_and_where_they_hold_enough_no_segment_is_read(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", version="v1", values=[1.0] * 10, at=100)
    close_journals(places.journals, open_store(places.where))
    write(places, "two", version="v1", values=[2.0] * 5, at=200)
    assert read_latest(places, FEATURES, "v1", most=5).values["tenure"].tolist() == [2.0] * 5


def test_a_log_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert read_latest(log(tmp_path), FEATURES, "v1", most=10).records == 0


def test_records_of_another_contract_are_left_out(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", version="v1", values=[1], at=100)
    assert read_latest(places, ["something_else"], "v1", most=10).records == 0


def test_records_of_another_contract_take_no_place_of_others(tmp_path: Path) -> None:
    places = log(tmp_path)
    write_journal(places, "one", version="v9", features=["x"], rows=[[1.0]] * 9, scores=[0.5] * 9, at_s=900)
    close_journals(places.journals, open_store(places.where))
    write(places, "two", version="v1", values=[1.0, 2.0], at=100)
    assert sorted(read_latest(places, FEATURES, "v1", most=5).values["tenure"]) == [1.0, 2.0]
