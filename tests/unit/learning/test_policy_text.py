"""What was measured is written into a policy's file, and nothing else of it changes."""

import difflib
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, POLICY

from churn.learning.policy_text import name_learned, write_learned
from churn.retention.offers.document import Measured
from churn.retention.offers.policy import build_policy, parse_policy

SEGMENT = '\n[[segment]]\nname = "costly"  # who pays much\nwhen.monthly_charges.at_least = 80\n'
NOTE = '# What follows is for those\n# who have been here long.\n[[offer]]\ncode = "loyalty-15"'
TEXT = POLICY.read_text(encoding="utf-8").replace('[[offer]]\ncode = "loyalty-15"', NOTE) + SEGMENT
VERSION = "streamflow-2026-11.learned-2026-06-30"


def measure(**others: Any) -> Measured:
    about = {"experiment": "retention-banner-1", "from": date(2026, 1, 1), "until": date(2026, 6, 30)}
    strength = {"value": 0.62, "low": -0.4, "high": 0.84}
    return Measured.model_validate(about | {"subscribers": 4100, "strength": strength} | others)


def learn(text: str, measured: dict[str, Measured], stopped: tuple[str, ...] = ()) -> str:
    return write_learned(text, measured, stopped, version=VERSION)


def list_differences(old: str, new: str) -> list[str]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and line[:3] not in {"+++", "---"}]


def test_only_what_was_measured_is_added() -> None:
    in_segment = {"name": "costly", "subscribers": 80, "strength": {"value": 1.0, "low": 0.5, "high": 1.5}}
    written = learn(TEXT, {"yearly-20": measure(segment=[in_segment])}, ("autopay-3",))
    removed = [line for line in list_differences(TEXT, written) if line[0] == "-"]
    assert removed == ['-version = "streamflow-2026-11"     # raise it with every change; each answer carries it']
    assert NOTE in written, "a comment stays before the offer that it is about"
    policy = build_policy(parse_policy(written.encode(), Path("new.toml")), STREAMFLOW, languages=LANGUAGES)
    yearly = policy.terms[0]
    assert policy.version == VERSION
    assert (yearly.take_up, yearly.strengths) == (0.30, (1.0, 0.62))
    assert [terms.code for terms in policy.terms if not terms.offer.explore] == ["autopay-3"]


def test_learning_again_replaces_what_was_measured() -> None:
    once = learn(TEXT, {"yearly-20": measure(), "autopay-3": measure()}, ("yearly-20", "autopay-3"))
    assert learn(once, {"yearly-20": measure(), "autopay-3": measure()}, ("yearly-20", "autopay-3")) == once
    share = {"value": 0.5, "low": 0.5, "high": 0.5}
    again = learn(once, {"yearly-20": measure(take_up=share, strength=None)})
    [offer, *_] = tomllib.loads(again)["offer"]
    assert offer["measured"]["take_up"] == share
    assert "strength" not in offer["measured"]
    assert "measured" in tomllib.loads(again)["offer"][-1], "what is not learned anew stays"
    assert NOTE in again


@pytest.mark.parametrize(
    ("version", "named"),
    [
        ("streamflow-2026-11", "streamflow-2026-11.learned-2026-06-30"),
        ("streamflow-2026-11.learned-2026-03-31", "streamflow-2026-11.learned-2026-06-30"),
        ("a" * 64, "a" * 45 + ".learned-2026-06-30"),
    ],
)
def test_a_version_says_until_when_was_learned(version: str, named: str) -> None:
    assert name_learned(version, date(2026, 6, 30)) == named
