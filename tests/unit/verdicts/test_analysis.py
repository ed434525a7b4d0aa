"""An analysis judges what came since it began, and shows nothing as fine that it does not know."""

from collections.abc import Mapping

import pytest
from support.verdicts import watching

from churn.errors import RolloutError
from churn.judging.counts import Counts
from churn.rollout.paired import Evidence
from churn.rollout.routers.router import Track
from churn.rollout.sources import Instances
from churn.rollout.state import Bundle, Reading, Rollout
from churn.verdicts.analysis import BEGUN, BusyError


def test_an_equal_canary_is_promoted_once_the_evidence_is_there_and_not_before() -> None:
    with watching() as watched:
        watched.answer()  # what came before the analysis does not count
        begun = watched.ask()
        assert (begun.verdict.decision, begun.verdict.reason, begun.requests) == ("hold", BEGUN, {})
        watched.answer(20)
        early = watched.ask()
        assert (early.verdict.decision, early.is_trouble) == ("hold", False)
        assert early.requests == {"stable": 180, "canary": 20}
        watched.answer()
        assert watched.ask().verdict.decision == "promote"


def test_a_bad_canary_is_sent_back_and_stays_so_until_another_analysis_begins() -> None:
    with watching() as watched:
        watched.ask()
        watched.answer(300, errors=500)
        assert watched.ask().verdict.decision == "roll back"
        registry, watched.at["canary"].registry = watched.at["canary"].registry, None
        assert watched.ask().verdict.decision == "roll back"
        watched.at["canary"].registry = registry
        assert watched.ask(weight=50).verdict.decision == "roll back"
        assert watched.ask("revision 2").verdict.reason == BEGUN


def test_a_restart_begins_anew_and_holds() -> None:
    with watching() as watched:
        watched.ask()
        watched.answer()
        assert watched.ask().verdict.decision == "promote"
        watched.analyst = type(watched.analyst)(
            source=watched.analyst.source, plan=watched.analyst.plan, checks=watched.analyst.checks
        )
        assert watched.ask().verdict.reason == BEGUN


def test_another_weight_is_judged_anew() -> None:
    with watching() as watched:
        watched.ask(weight=10)
        watched.answer()
        assert watched.ask(weight=10).verdict.decision == "promote"
        assert watched.ask(weight=50).verdict.reason == BEGUN
        watched.answer(10)
        assert watched.ask(weight=50).requests == {"stable": 90, "canary": 10}


def test_without_a_weight_the_split_is_not_judged() -> None:
    with watching() as watched:
        watched.ask(weight=None)
        watched.answer(100)
        checks = {finding.check for finding in watched.ask(weight=None).verdict.findings}
        watched.ask("other", weight=10)
        watched.answer(100)
        assert {finding.check for finding in watched.ask("other", weight=10).verdict.findings} - checks == {
            "traffic split"
        }


def test_who_asks_often_hears_the_last_verdict() -> None:
    with watching() as watched:
        first = watched.ask()
        watched.answer()
        assert watched.analyst.ask("revision 1", 10) is first


def test_an_instance_that_does_not_answer_holds_even_after_enough_evidence() -> None:
    with watching() as watched:
        watched.ask()
        watched.answer()
        watched.at["canary"].registry = None
        gone = watched.ask()
        assert (gone.verdict.decision, gone.is_trouble) == ("hold", True)
        assert "of the canary does not answer" in gone.verdict.reason


def test_the_same_instance_on_both_tracks_is_no_comparison() -> None:
    with watching() as watched:
        address = watched.at["stable"].address
        watched.analyst.source = Instances(lambda: {"stable": [address], "canary": [address]})
        assert "counts for both tracks" in watched.ask().verdict.reason


class Silent:
    """A source that knows nothing."""

    def read(self) -> Mapping[Track, Reading]:
        raise RolloutError("Prometheus does not answer", instead="start it")


def test_a_source_that_cannot_be_read_holds() -> None:
    with watching() as watched:
        watched.analyst.source = Silent()
        answer = watched.ask()
        assert (answer.verdict.decision, answer.verdict.reason, answer.is_trouble) == (
            "hold",
            "Prometheus does not answer",
            True,
        )


class Mixed:
    """A canary whose instances serve two versions."""

    def read(self) -> Mapping[Track, Reading]:
        one = Counts(requests=1)
        served = {"b": Bundle("v2", "x"), "c": Bundle("v3", "y")}
        return {
            "stable": Reading(0, {"a": one}, served={"a": Bundle("v1", "z")}),
            "canary": Reading(0, {"b": one, "c": one}, served=served),
        }


def test_a_canary_of_two_versions_is_not_judged() -> None:
    with watching() as watched:
        watched.analyst.source = Mixed()
        assert "instances of the canary serve v2 (bundle x) and v3 (bundle y)" in watched.ask().verdict.reason


def test_pairs_are_asked_for_with_the_versions_that_the_instances_serve() -> None:
    asked: list[tuple[Rollout, float]] = []

    class Pairs:
        def __init__(self, began: float) -> None:
            self.began = began

        def look(self, rollout: Rollout) -> Evidence:
            asked.append((rollout, self.began))
            return Evidence(None, "there is no log")

    with watching() as watched:
        watched.analyst.open_evidence = Pairs
        watched.ask()
        watched.answer(10)
        watched.ask()
        [(rollout, began)] = asked
        assert (rollout.stable, rollout.canary, rollout.canary_sha256) == ("v1", "v2", "sum-of-v2")
        assert rollout.began == began


def test_while_one_question_is_answered_another_waits_only_so_long() -> None:
    with watching() as watched:
        watched.analyst.wait_s = 0.0
        with watched.analyst._lock, pytest.raises(BusyError):  # noqa: SLF001 - as a slow look holds it
            watched.ask()
