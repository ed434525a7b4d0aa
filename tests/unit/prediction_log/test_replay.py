"""Replaying: the same answer again, or what differs, to the bit."""

import math
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drawn_policies import policies
from support.predicted import find_policy, make_entry, make_header, read_lines
from support.shadowed import write_shadowed
from support.strategies import subscribers

from churn.businesses import list_contracts
from churn.contract.catalogues import list_languages
from churn.errors import BundleError, ChurnError, DataError, OfferPolicyError
from churn.model.bundle import Bundle
from churn.model.shelf import Shelf
from churn.prediction_log.deciding import find_challenger
from churn.prediction_log.deciding import find_policy as find_recorded_policy
from churn.prediction_log.ids import make_prediction_id
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.policies import keep_policy
from churn.prediction_log.reader import find_record, read_latest_records
from churn.prediction_log.record import LineMaker
from churn.prediction_log.replay import find_bundle, replay
from churn.retention.offers.actions import find_best_action
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import Policy, find_default_policy, load_policy

# An offer is weighed for them.
NEW: dict[str, Any] = {"tenure": 1, "monthly_charges": 110.0}


def recorded(bundle: Bundle, *, policy: Policy | None = None, threshold: float = 0.3, **other: Any) -> dict[str, Any]:
    maker = LineMaker(make_header(bundle, threshold=threshold, policy=policy))
    line = maker.make_line(make_entry(bundle, threshold=threshold, policy=policy, **other))
    return read_lines(maker.header, line)[0]


@pytest.mark.parametrize("contract", list_contracts())
@given(data=st.data())
def test_any_answer_is_made_again_bit_for_bit(bundles: dict[str, Bundle], contract: str, data: st.DataObject) -> None:
    bundle = bundles[contract]
    subscriber: dict[str, Any] = data.draw(subscribers(bundle.model.contract))
    record = recorded(bundle, **subscriber)
    assert replay(record, bundle) == []


@pytest.mark.parametrize("contract", list_contracts())
@given(data=st.data())
def test_any_policy_decides_again_on_any_subscriber(
    bundles: dict[str, Bundle], contract: str, data: st.DataObject
) -> None:
    bundle = bundles[contract]
    policy = data.draw(policies(bundle.model.contract))
    days = data.draw(st.none() | st.integers(0, 40))
    last_offer = None if days is None else datetime.now(UTC).date() - timedelta(days=days)
    key, threshold = data.draw(st.none() | st.text("ab", min_size=1)), data.draw(st.sampled_from([0.0, 0.5]))
    subscriber: dict[str, Any] = data.draw(subscribers(bundle.model.contract))
    record = recorded(bundle, policy=policy, key=key, threshold=threshold, last_offer=last_offer, **subscriber)
    assert replay(record, bundle, policy=policy) == []
    assert sum(record["action_propensities"]) == pytest.approx(1, abs=1e-12)
    assert record["action"] in {*record["actions"], None}


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("offer", "another"),
        ("withheld_offer", "another"),
        ("actions", ["nothing"]),
        ("action_propensities", [0.5, 0.5, 0.0]),
        ("experiment", "another"),
        ("holdout_share", 0.9),
    ],
)
def test_another_decision_is_named(streamflow: Bundle, field: str, other: object) -> None:
    policy = find_policy(streamflow)
    record = recorded(streamflow, threshold=0.0, **NEW)
    [mismatch] = replay(record | {field: other}, streamflow, policy=policy)
    assert (mismatch.field, mismatch.recorded, mismatch.reproduced) == (field, other, record[field])


def test_a_net_value_that_differs_in_its_last_bit_is_named_with_all_bits(streamflow: Bundle) -> None:
    policy, record = find_policy(streamflow), recorded(streamflow, threshold=0.0, **NEW)
    *others, last = record["action_values"]
    changed = record | {"action_values": [*others, math.nextafter(last, math.inf)]}
    [mismatch] = replay(changed, streamflow, policy=policy)
    assert mismatch.field == "action_values"
    assert (mismatch.recorded_bits or "").split()[:-1] == (mismatch.reproduced_bits or "").split()[:-1]


def test_the_day_of_the_record_decides_what_has_expired(streamflow: Bundle) -> None:
    policy, record = find_policy(streamflow), recorded(streamflow, threshold=0.0, **NEW)
    late = record | {"time": record["time"] + 10 * 366 * 86_400 * 10**6}
    assert {mismatch.field for mismatch in replay(late, streamflow, policy=policy)} >= {"actions", "action_values"}


def test_the_policy_is_found_by_its_sha256_and_no_other_is_taken(streamflow: Bundle, tmp_path: Path) -> None:
    contract, policy, places = streamflow.model.contract, find_policy(streamflow), Places(str(tmp_path), tmp_path / "j")
    record = recorded(streamflow)
    with pytest.raises(DataError, match="is neither"):
        find_recorded_policy(record, places, contract)
    keep_policy(places.journals, policy.content)
    assert find_recorded_policy(record, places, contract).sha256 == policy.sha256
    path = tmp_path / "another.toml"
    path.write_bytes(policy.content + b"# another")
    with pytest.raises(OfferPolicyError, match="is not the one that decided"):
        find_recorded_policy(record, places, contract, path=path)
    path.write_bytes(policy.content)
    assert (
        find_recorded_policy(record, Places("nowhere", Path("nowhere")), contract, path=path).document
        == policy.document
    )
    with pytest.raises(DataError, match="did not log which policy"):
        find_recorded_policy(record | {"policy_sha256": None}, places, contract)


def test_the_challengers_side_is_made_again_bit_for_bit(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    places, bundle = Places(str(tmp_path), tmp_path / "journals"), bundles["streamflow"]
    places.prepare()
    write_shadowed(places, bundle, [make_entry(bundle)])
    shutil.copytree(bundle.path, tmp_path / "shelf" / "v1")
    [record] = read_latest_records(places, 1)
    challenger = find_challenger(record, Shelf(tmp_path / "shelf"))
    assert replay(record, bundle, challenger=challenger) == []
    [mismatch] = replay(record | {"challenger_probability": 0.123}, bundle, challenger=challenger)
    assert (mismatch.field, mismatch.reproduced) == ("challenger_probability", record["challenger_probability"])
    with pytest.raises(BundleError, match="is the challenger's"):
        find_challenger(record, Shelf(tmp_path))
    assert find_challenger(record | {"challenger_probability": None}, Shelf(tmp_path)) is None


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
    record = recorded(streamflow, **NEW)
    record |= {"banner": record["probability"] > record["threshold"]}
    if field == "shown_reasons" and not record["banner"]:
        record |= {"threshold": 0.0, "banner": True, "arm": "treatment"}
        [mismatch] = replay(record | {field: ["tenure.never"]}, streamflow)
    else:
        [mismatch] = replay(record | {field: ["other"] * len(record[field])}, streamflow)
    assert mismatch.field == field


def test_reasons_are_verified_by_the_rule_of_the_record(streamflow: Bundle) -> None:
    policy = find_policy(streamflow)
    record = recorded(streamflow, threshold=0.0, key=None, tenure=1, monthly_charges=110.0, total_charges=110.0)
    assert (record["verification"], record["shown_reasons"], record["actions"]) == (2, [], ["nothing"])
    assert replay(record, streamflow, policy=policy) == []
    record |= {"action": None, "decided_by": None}  # as versions before, which showed all that held
    for earlier in (1, None):
        assert replay(record | {"verification": earlier, "shown_reasons": ["tenure.short"]}, streamflow) == []
        differs = {field.field for field in replay(record | {"verification": earlier}, streamflow, policy=policy)}
        assert {"shown_reasons", "actions"} <= differs
    with pytest.raises(DataError, match="verified by rule 3, and this program knows 1, 2"):
        replay(record | {"verification": 3}, streamflow)


def test_the_holdout_was_shown_nothing_and_what_it_would_have_been_is_made_again(streamflow: Bundle) -> None:
    policy = find_policy(streamflow)
    keys = (f"{number}" for number in range(1000))
    held = next(key for key in keys if draw_arm(key, policy.holdout) == "holdout")
    record = recorded(streamflow, threshold=0.0, key=held, **NEW)
    assert (record["arm"], record["shown_reasons"], record["offer"]) == ("holdout", [], None)
    assert record["withheld_reasons"]
    assert record["action"] == record["withheld_offer"] != "nothing"
    assert replay(record, streamflow, policy=policy) == []
    [mismatch] = replay(record | {"withheld_reasons": []}, streamflow, policy=policy)
    assert mismatch.field == "withheld_reasons"
    before = record | {"action": None, "decided_by": None, "withheld_reasons": []}  # of a version before
    assert replay(before, streamflow) == []


def test_whatever_the_lot_says_the_record_says_it_too(streamflow: Bundle, tmp_path: Path) -> None:
    """Each action that is possible is drawn for somebody, and made again from the record alone."""
    path = tmp_path / "policy.toml"
    content = find_default_policy(streamflow.model.contract).read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^share = 0\.02.*$", "share = 1.0\nbelow_threshold = 1.0", content), encoding="utf-8")
    policy = load_policy(path, streamflow.model.contract, languages=list_languages(streamflow.model.contract))
    taken = set()
    for number in range(60):
        record = recorded(streamflow, policy=policy, key=f"{number}", threshold=number % 2, **NEW)
        assert record["banner"] == (record["threshold"] == 0)
        assert replay(record, streamflow, policy=policy) == []
        share = 1 / len(record["actions"])
        assert record["action_propensities"] == pytest.approx([share] * len(record["actions"]))
        best = find_best_action(record["actions"][2:], record["action_values"][2:], policy.without_offer)
        assert record["decided_by"] == ("risk" if record["action"] == best else "explore")
        assert bool(record["shown_reasons"]) == (record["arm"] != "holdout" and record["action"] != "nothing")
        assert bool(record["shown_reasons"]) != bool(record["withheld_reasons"])
        taken.add(record["action"])
    assert taken == set(record["actions"])


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
