"""What commands say of files of an earlier version is what they said then."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.earlier import EARLIER, SALT, WORDS, earlier_json, lost
from support.processes import churn

HOLD, ROLL_BACK, TROUBLE = 9, 10, 11
REFUSED = {"judge_verdict": HOLD, "outcomes_report": HOLD, "shadow_report": ROLL_BACK, "rollout_status": TROUBLE}
IN_PAIRS = {"scores", "banners", "tiers", "top-3 reasons"}
COMMANDS = {
    "predictions_list": ("predictions", "list"),
    "records": ("predictions", "tail", "-n", "100"),
    "rollouts": ("rollout", "history"),
    "rollout_1": ("rollout", "history", "1"),
    "rollout_2": ("rollout", "history", "2"),
    "rollout_3": ("rollout", "history", "3"),
    "rollout_4": ("rollout", "history", "4"),
    "rollout_status": ("rollout", "status"),
    "outcomes_report": ("outcomes", "report"),
    "judge_verdict": ("judge", "explain", str(EARLIER / "counts.json")),
    "shadow_report": ("shadow", "report", "--until", "2100-01-01"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_the_same_of_the_files_of_an_earlier_version(earlier_home: Path, name: str) -> None:
    done = churn(earlier_home, *COMMANDS[name], "--json")
    assert done.code == REFUSED.get(name, 0), done.err
    told = json.loads(done.out.replace(str(earlier_home), "HOME"))
    expected = earlier_json(f"expected/{name}.json")
    if name == "judge_verdict":  # checks that came later stand among those of then
        then = {finding["check"] for finding in expected["findings"]} - IN_PAIRS
        for verdict in (expected, told):
            verdict["findings"] = [finding for finding in verdict["findings"] if finding["check"] in then]
        for finding, own in zip(expected["findings"], told["findings"], strict=True):
            if finding["high"] is not None:  # what is expected of a good canary makes it sooner sure that it is one
                assert own["effect"] <= own.pop("high") <= finding.pop("high")
    if name == "outcomes_report":  # intervals of one look became wider: they hold at every look
        for (low, high), (own_low, own_high) in zip(take_ends(expected), take_ends(told), strict=True):
            assert own_low <= low <= high <= own_high
        for version in (*expected["versions"], *told["versions"]):  # the lift's is that of a ratio since
            assert version["lift"].pop("low") <= version["lift"]["value"] <= version["lift"].pop("high")
    # What a verdict says in words is made anew; what is stored is not.
    assert lost(expected, told, ignored=WORDS if name in REFUSED else ()) == []


def take_ends(report: dict[str, Any]) -> list[tuple[float, float]]:
    """Takes the ends of the intervals of calibration and acceptance out of a report on outcomes."""
    intervals = [group["left"] for version in report["versions"] for group in version["calibration"]]
    intervals += [offer["share"] for offer in report["offers"]]
    return [(interval.pop("low"), interval.pop("high")) for interval in intervals]


def test_of_counts_without_pairs_it_is_said_that_nothing_can_be_known(earlier_home: Path) -> None:
    """That version compared the requests of both tracks, and blamed versions for subscribers who ask often."""
    told = json.loads(churn(earlier_home, *COMMANDS["judge_verdict"], "--json").out)
    unknown = {finding["check"]: finding for finding in told["findings"] if finding["effect"] is None}
    assert unknown.keys() == IN_PAIRS
    assert {finding["decision"] for finding in unknown.values()} == {"hold"}
    assert all("the file has no `pairs`" in finding["reason"] for finding in unknown.values())


def test_a_log_of_an_earlier_version_is_closed_and_a_subscriber_is_erased(own_home: Path) -> None:
    ever = {"PREDICTION_LOG_RETENTION_DAYS": 36_500, "PREDICTION_LOG_SALT": SALT}
    closed = json.loads(churn(own_home, "predictions", "close", "--json", **ever).out)
    assert closed.items() >= {"segments": 4, "records": 18, "damaged": 1, "removed": 0}.items()
    records = json.loads(churn(own_home, "predictions", "tail", "-n", "100", "--json").out)
    assert lost(earlier_json("expected/records.json"), records, ignored=()) == []
    assert churn(own_home, "predictions", "erase", "subscriber-1", **ever).code == 0
    left = json.loads(churn(own_home, "predictions", "tail", "-n", "100", "--json").out)
    assert [record["request_id"] for record in records if record not in left] == ["request-1"]
