"""Where pairs come from, and what is said at once where there can be none."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
from support.predicted import make_entry, make_header
from support.rollouts import KnownEvidence, World, begin, build_controller

from churn.errors import ChurnError
from churn.judging.pairs import PairCounts
from churn.model.bundle import Bundle
from churn.model.shelf import Shelf
from churn.prediction_log.banner_events import BannerEvent, make_event_header, make_event_line
from churn.prediction_log.journal import Journal
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import Entry, LineMaker
from churn.rollout.banner_outcomes import ALONE
from churn.rollout.evidence import LogEvidence
from churn.rollout.paired import Evidence
from churn.rollout.state import Bundle as Served
from churn.rollout.store import RolloutStore


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return locate_log(None, "streamflow", home=tmp_path)


@pytest.fixture
def evidence(tmp_path: Path, places: Places, streamflow: Bundle) -> LogEvidence:
    """A log, and stable's bundle on the shelf."""
    places.prepare()
    copytree(streamflow.path, tmp_path / "bundles" / "v1")
    return LogEvidence(places=places, shelf=Shelf(tmp_path / "bundles"))


@pytest.fixture
def stable(streamflow: Bundle) -> Served:
    return Served("v1", streamflow.sha256)


def write(places: Places, bundle: Bundle, keys: Sequence[str | None]) -> None:
    write_entries(places, bundle, [make_entry(bundle, key=key) for key in keys])


def write_entries(places: Places, bundle: Bundle, entries: Sequence[Entry]) -> None:
    maker = LineMaker(make_header(bundle))
    journal = Journal(places.journals, maker.header)
    journal.append(b"".join(map(maker.make_line, entries)))
    journal.close()


def test_a_log_with_keys_and_the_bundle_of_stable_are_all_it_takes(
    evidence: LogEvidence, places: Places, streamflow: Bundle, stable: Served
) -> None:
    write(places, streamflow, [None, "ann"])
    assert not evidence.require_possible(stable, lambda: 2)


def test_what_makes_pairs_impossible_is_said_before_a_rollout_with_what_to_do(
    evidence: LogEvidence, places: Places, streamflow: Bundle, stable: Served, tmp_path: Path
) -> None:
    def refusal(source: LogEvidence, served: Served, answered: int = 0) -> ChurnError:
        with pytest.raises(ChurnError) as refused:
            source.require_possible(served, lambda: answered)
        return refused.value

    nowhere = replace(places, where=str(tmp_path / "nowhere"))
    assert "PREDICTION_LOG is `off`" in refusal(LogEvidence(places=None, shelf=evidence.shelf), stable).message
    assert "there is no prediction log" in refusal(LogEvidence(places=nowhere, shelf=evidence.shelf), stable).message
    assert "no bundle in" in refusal(evidence, Served("v1", "f" * 64)).message
    assert "has answered 1,000 predictions, and none" in refusal(evidence, stable, answered=1000).message
    write(places, streamflow, [None] * 3)
    unkeyed = refusal(evidence, stable, answered=3)
    assert "none of 3 records of v1" in unkeyed.message
    assert "PREDICTION_LOG_SALT" in unkeyed.instead


def test_before_anybody_has_asked_nobody_knows_and_it_says_so(evidence: LogEvidence, stable: Served) -> None:
    assert "v1 has answered nobody yet" in evidence.require_possible(stable, lambda: 0)


def test_a_bundle_that_comes_later_is_found_at_a_later_look(
    evidence: LogEvidence, places: Places, streamflow: Bundle, store: RolloutStore, tmp_path: Path
) -> None:
    canary = replace(streamflow, sha256="c" * 64)
    rollout = replace(
        begin(World(tmp_path), store), began=0.0, stable_sha256=streamflow.sha256, canary_sha256=canary.sha256
    )
    write(places, canary, ["ann", "bob"])
    shelved = evidence.shelf.folder / "v1"
    away = shelved.rename(tmp_path / "away")
    missing = evidence.look(rollout)
    assert missing.pairs is None
    assert "export it there" in missing.no_pairs
    away.rename(shelved)
    found = evidence.look(rollout)
    assert found.pairs is not None
    assert found.pairs.subscribers == 2


def test_a_clock_that_jumped_takes_no_evidence_away(
    evidence: LogEvidence, places: Places, streamflow: Bundle, store: RolloutStore, tmp_path: Path
) -> None:
    write(places, replace(streamflow, sha256="c" * 64), ["ann"])
    moved = begin(World(tmp_path), store)
    moved = replace(moved, began=1e10, stable_sha256=streamflow.sha256, canary_sha256="c" * 64)
    assert evidence.look(moved).pairs is None
    again = LogEvidence(places=places, shelf=evidence.shelf, began=0.0)
    assert again.look(moved).pairs is not None


def test_what_became_of_banners_is_counted_in_the_steps_that_have_both_versions(
    evidence: LogEvidence, places: Places, streamflow: Bundle, store: RolloutStore, tmp_path: Path
) -> None:
    began = begin(World(tmp_path), store)
    rollout = replace(began, began=0.0, stable_sha256=streamflow.sha256, canary_sha256="c" * 64)

    def count_accepted(*, of_one_step: bool = False) -> tuple[list[int] | None, str]:
        plan = rollout.plan.model_copy(update={"steps": rollout.plan.steps[-1:]}) if of_one_step else rollout.plan
        looked = evidence.look(replace(rollout, plan=plan))
        assert looked.trouble == ""
        assert looked.guardrails is not None
        steps = looked.guardrails.banners
        return None if steps is None else [step.stable.accepted for step in steps], looked.guardrails.no_banners

    last, now = rollout.plan.last, time.time()
    evidence.steps.update({0: 0.0, last: now - 7200})
    write(places, replace(streamflow, sha256="c" * 64), ["bob"])
    assert count_accepted() == (None, "")
    shown = [make_entry(streamflow, key=key, tenure=1, threshold=0.3) for key in ("ann", "cid")]
    days_ago, hours_ago = (int((now - ago_s) * 1e9) for ago_s in (86_400, 6000))
    answered = [
        entry._replace(time_ns=at, arm="treatment") for entry, at in zip(shown, (days_ago, hours_ago), strict=True)
    ]
    write_entries(places, streamflow, answered)
    places.banner_events.prepare()
    journal = Journal(places.banner_events.journals, make_event_header("streamflow"))
    events = [BannerEvent(entry.time_ns // 1000 + 1, entry.prediction_id, "accepted") for entry in answered]
    journal.append(b"".join(map(make_event_line, events)))
    journal.close()
    assert count_accepted() == ([1], "")
    assert count_accepted(of_one_step=True) == (None, ALONE)


def test_the_judge_is_handed_the_pairs_of_the_whole_rollout_and_trouble_is_an_event(
    store: RolloutStore, tmp_path: Path
) -> None:
    world, known = World(tmp_path), KnownEvidence(Evidence(None, "there is no log; set PREDICTION_LOG"))
    begin(world, store)
    controller = build_controller(world, store)
    controller.evidence = known
    world.verdict = "hold"
    controller.tick()
    controller.tick()
    assert world.judge_inputs[-1].no_pairs == "there is no log; set PREDICTION_LOG"
    pairs = PairCounts(7, {"banners": {"with a banner": (1, 2)}})
    known.evidence = Evidence(pairs, trouble="a segment is damaged")
    controller.tick()
    assert world.judge_inputs[-1].pairs == pairs
    events = {event.kind: event for event in store.list_events(1)}
    assert events["trouble"].reason == "a segment is damaged"
    assert events["judged"].evidence["seen"]["pairs"]["subscribers"] == 7
