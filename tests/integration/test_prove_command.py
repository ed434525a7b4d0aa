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


def test_the_subscribers_of_a_file_are_looked_at_and_banners_that_their_reasons_undo_are_counted(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    contract = bundles["streamflow"].model.contract
    names, example = contract.input_names(), contract.example_request()
    valid = [str(example[name]) for name in names]
    lines = [names, valid, [*valid[:-1], "perhaps"], valid]
    source = tmp_path / "some.csv"
    source.write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8")
    arguments = ("prove", bundles["streamflow"].path, "--data", source)
    done = churn(tmp_path, *arguments, "--json")
    proof = json.loads(done.out)
    assert (done.code, proof["rows"], proof["broken"]) == (0, 2, {})
    assert (proof["banners_with_reasons"], proof["undone_together"]) == (2, 2)
    assert "1 of 3 rows are no valid subscribers and were left out" in done.err
    assert "2 of 2 banners with reasons would not be shown" in succeed(tmp_path, *arguments)
    refused = churn(tmp_path, *arguments, "--rows", "5")
    assert (refused.code, "--rows counts random subscribers" in refused.err) == (2, True)


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
