"""Replaying: the same answer again, or what differs, to the bit."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.predicted import make_entry, make_header, read_lines
from support.strategies import subscribers

from churn.businesses import list_contracts
from churn.errors import BundleError, ChurnError, DataError
from churn.model.bundle import Bundle
from churn.model.shelf import Shelf
from churn.prediction_log.ids import make_prediction_id
from churn.prediction_log.places import locate_log
from churn.prediction_log.reader import find_record
from churn.prediction_log.record import LineMaker
from churn.prediction_log.replay import find_bundle, replay


def recorded(bundle: Bundle, **other: Any) -> dict[str, Any]:
    maker = LineMaker(make_header(bundle, threshold=0.3))
    line = maker.make_line(make_entry(bundle, threshold=0.3, **other))
    return read_lines(maker.header, line)[0]


@pytest.mark.parametrize("contract", list_contracts())
@given(data=st.data())
def test_any_answer_is_made_again_bit_for_bit(bundles: dict[str, Bundle], contract: str, data: st.DataObject) -> None:
    bundle = bundles[contract]
    record = recorded(bundle, **data.draw(subscribers(bundle.model.contract)))
    assert replay(record, bundle) == []


def test_a_bit_that_was_changed_is_named(streamflow: Bundle) -> None:
    record = recorded(streamflow)
    was = record["contribution_tenure"]
    record["contribution_tenure"] = math.nextafter(was, math.inf)
    [mismatch] = replay(record, streamflow)
    assert (mismatch.field, mismatch.recorded, mismatch.reproduced) == (
        "contribution_tenure",
        record["contribution_tenure"],
        was,
    )
    assert mismatch.recorded_bits is not None
    assert mismatch.reproduced_bits is not None
    assert abs(int(mismatch.recorded_bits, 16) - int(mismatch.reproduced_bits, 16)) == 1


@pytest.mark.parametrize("field", ["reasons", "reason_features", "shown_reasons"])
def test_other_reasons_are_named(streamflow: Bundle, field: str) -> None:
    record = recorded(streamflow)
    record |= {"banner": record["probability"] > record["threshold"]}
    if field == "shown_reasons" and not record["banner"]:
        record |= {"threshold": 0.0, "banner": True, "arm": "treatment"}
        [mismatch] = replay(record | {field: ["tenure.never"]}, streamflow)
    else:
        [mismatch] = replay(record | {field: ["other"] * len(record[field])}, streamflow)
    assert mismatch.field == field


def test_the_holdout_was_shown_nothing(streamflow: Bundle) -> None:
    record = recorded(streamflow) | {"threshold": 0.0, "banner": True, "arm": "holdout", "shown_reasons": []}
    assert replay(record, streamflow) == []


def test_a_record_of_another_contract_is_refused(bundles: dict[str, Bundle]) -> None:
    with pytest.raises(DataError, match="does not fit the contract telco"):
        replay(recorded(bundles["streamflow"]), bundles["telco"])


def test_the_bundle_is_found_by_its_sha256(streamflow: Bundle, bundles: dict[str, Bundle], tmp_path: Path) -> None:
    shutil.copytree(streamflow.path, tmp_path / "v1")
    shutil.copytree(bundles["telco"].path, tmp_path / "v0")
    record = recorded(streamflow)
    assert find_bundle(record, Shelf(tmp_path)).path == tmp_path / "v1"
    assert find_bundle(record, Shelf(Path("nowhere")), path=streamflow.path).path == streamflow.path


def test_another_bundle_is_refused_and_both_are_named(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    record = recorded(bundles["streamflow"])
    with pytest.raises(BundleError, match="is not the one that answered") as refused:
        find_bundle(record, Shelf(tmp_path), path=bundles["telco"].path)
    assert record["bundle_sha256"][:12] in refused.value.message
    with pytest.raises(BundleError, match="no bundle in"):
        find_bundle(record, Shelf(tmp_path))


@pytest.mark.parametrize("unknown", [make_prediction_id(), "f" * 32], ids=["of now", "of a far day"])
def test_an_unknown_id_is_an_error_that_says_where_it_was_looked_for(tmp_path: Path, unknown: str) -> None:
    with pytest.raises(DataError, match=f"no record has the id {unknown}"):
        find_record(locate_log(None, "streamflow", home=tmp_path), unknown)


def test_what_is_no_id_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no id of a prediction"):
        find_record(locate_log(None, "streamflow", home=tmp_path), "17")


@pytest.mark.parametrize("where", ["ftp://host/path", "s3:///path"])
def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(ChurnError, match="PREDICTION_LOG"):
        locate_log(where, "streamflow", home=tmp_path)
