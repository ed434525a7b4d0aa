"""`churn prove`, as the engineer who is about to release a bundle runs it."""

import json
from pathlib import Path

from support.processes import churn, succeed

from churn.model.bundle import Bundle


def test_a_bundle_whose_reasons_hold_is_told_in_numbers(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    proof = json.loads(
        succeed(tmp_path, "prove", bundles["telco"].path, "--rows", "500", "--json", CHURN_THRESHOLD="0.0")
    )
    assert (proof["rows"], proof["broken"]) == (500, {})
    assert proof["banners"] == sum(proof["shown"].values()) == sum(proof["offers"].values()) > 0
    said = succeed(tmp_path, "prove", bundles["telco"].path, "--rows", "500", CHURN_THRESHOLD="0.0")
    assert f"Every one of the {sum(proof['codes'].values()):,} reasons shown holds." in said


def test_a_proof_of_no_reason_is_not_told_as_one(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    said = succeed(tmp_path, "prove", bundles["telco"].path, "--rows", "1", CHURN_THRESHOLD="1.0")
    assert "no reason was proven" in said
    assert "holds" not in said


def test_a_contract_is_named_for_its_champion(tmp_path: Path) -> None:
    done = churn(tmp_path, "prove", "telco")
    assert (done.code, "there is no bundle at" in done.err, "bundles/telco/champion" in done.err) == (4, True, True)


def test_a_bundle_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = churn(tmp_path, "prove", tmp_path / "nowhere")
    assert (done.code, done.out) == (4, "")
    assert "there is no bundle at" in done.err
