"""What became of banners, out of a real log: each subscriber once, by the version that showed the first banner."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.predicted import make_entry, make_header

from churn.answers import Arm
from churn.judging.banner_outcomes import BannerOutcomes
from churn.model.bundle import Bundle
from churn.prediction_log.banner_events import BannerEvent, make_event_header, make_event_line
from churn.prediction_log.journal import Journal
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import LineMaker
from churn.prediction_log.segments import list_segments, open_store
from churn.rollout.banner_outcomes import BannerOutcomeReader

NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(hours=8)
SECOND_STEP = NOW - timedelta(hours=4)

type Show = Callable[..., list[str]]
HOURS_AGO = 6.0  # in the first step, and long enough ago


@pytest.fixture
def log(tmp_path: Path) -> Places:
    log = locate_log(None, "streamflow", home=tmp_path)
    log.prepare()
    log.banner_events.prepare()
    return log


@pytest.fixture
def canary(streamflow: Bundle) -> Bundle:
    return replace(streamflow, sha256="c" * 64)


def show(
    log: Places,
    bundle: Bundle,
    *keys: str,
    hours_ago: float = HOURS_AGO,
    arm: Arm = "treatment",
    threshold: float = 0.3,
) -> list[str]:
    """Answer subscribers, with a banner, unless the threshold is 1; return the ids of the predictions."""
    at_ns = int((NOW - timedelta(hours=hours_ago)).timestamp() * 1e9)
    entries = [
        make_entry(bundle, key=key, threshold=threshold, tenure=1)._replace(time_ns=at_ns, arm=arm) for key in keys
    ]
    maker = LineMaker(make_header(bundle))
    journal = Journal(log.journals, maker.header)
    journal.append(b"".join(map(maker.make_line, entries)))
    journal.close()
    return [entry.prediction_id for entry in entries]


def report(log: Places, event: str, ids: Sequence[str], *, hours_ago: float = HOURS_AGO - 0.1) -> None:
    at_us = int((NOW - timedelta(hours=hours_ago)).timestamp() * 1e6)
    journal = Journal(log.banner_events.journals, make_event_header("streamflow"))
    journal.append(b"".join(make_event_line(BannerEvent(at_us, made, event)) for made in ids))
    journal.close()


def read(log: Places, stable: Bundle, canary: Bundle, *, most: int = 1000) -> BannerOutcomeReader:
    bundles = {"stable": stable.sha256, "canary": canary.sha256}
    return BannerOutcomeReader(log, bundles, BEGAN, NOW.timestamp, most)  # type: ignore[arg-type] # both are tracks


def look(reader: BannerOutcomeReader) -> list[tuple[BannerOutcomes, BannerOutcomes]]:
    reader.look()
    assert reader.trouble == ""
    return [(step.stable, step.canary) for step in reader.count([BEGAN, SECOND_STEP])]


def test_each_subscriber_counts_once_for_the_version_of_the_first_banner(
    log: Places, streamflow: Bundle, canary: Bundle
) -> None:
    [ann, bob] = show(log, streamflow, "ann", "bob")
    [again] = show(log, streamflow, "ann", hours_ago=5.8)
    show(log, canary, "ann", hours_ago=3)
    [cid] = show(log, canary, "cid", hours_ago=3)
    report(log, "seen", [ann, again, bob])
    report(log, "accepted", [ann, again], hours_ago=5.5)
    report(log, "dismissed", [cid], hours_ago=2.9)
    first, second = look(read(log, streamflow, canary))
    assert first == (BannerOutcomes(shown=2, reported=2, accepted=1), BannerOutcomes())
    assert second == (BannerOutcomes(), BannerOutcomes(shown=1, reported=1, dismissed=1))


def test_nobody_counts_within_the_hour_and_what_comes_after_it_does_not_count(
    log: Places, streamflow: Bundle, canary: Bundle
) -> None:
    [late] = show(log, streamflow, "ann")
    [young] = show(log, canary, "bob", hours_ago=1.1)
    report(log, "accepted", [late], hours_ago=HOURS_AGO - 1.1)
    report(log, "accepted", [young], hours_ago=1.0)
    assert look(read(log, streamflow, canary)) == [
        (BannerOutcomes(shown=1), BannerOutcomes()),
        (BannerOutcomes(), BannerOutcomes()),
    ]


def test_without_events_no_prediction_is_read(log: Places, streamflow: Bundle, canary: Bundle) -> None:
    ids = show(log, streamflow, "ann")
    reader = read(log, streamflow, canary)
    assert look(reader)[0] == (BannerOutcomes(), BannerOutcomes())
    assert not reader.has_events
    report(log, "objected", ids)
    assert look(reader)[0] == (BannerOutcomes(shown=1, reported=1, objected=1), BannerOutcomes())


def test_a_reader_that_begins_anew_counts_the_same_whatever_was_closed_meanwhile(
    log: Places, streamflow: Bundle, canary: Bundle
) -> None:
    reader = read(log, streamflow, canary)
    report(log, "accepted", show(log, streamflow, "ann", "bob"))
    before = look(reader)
    for places in (log, log.banner_events):
        close_journals(places.journals, open_store(places.where))
    assert look(reader) == before == look(read(log, streamflow, canary))


def test_who_was_shown_nothing_or_has_no_banner_does_not_count(log: Places, streamflow: Bundle, canary: Bundle) -> None:
    report(log, "seen", show(log, streamflow, "ann"))
    show(log, canary, "bob", arm="holdout")
    show(log, canary, "dan", threshold=1.0)
    show(log, replace(streamflow, sha256="f" * 64), "cid")
    assert look(read(log, streamflow, canary))[0] == (BannerOutcomes(shown=1, reported=1), BannerOutcomes())


def test_beyond_the_bound_no_more_are_counted(log: Places, streamflow: Bundle, canary: Bundle) -> None:
    report(log, "accepted", show(log, streamflow, *(f"{number}" for number in range(20))))
    assert look(read(log, streamflow, canary, most=5))[0][0].shown == 5


def test_what_is_damaged_is_trouble(log: Places, streamflow: Bundle, canary: Bundle) -> None:
    report(log, "accepted", show(log, streamflow, "ann"))
    store = open_store(log.banner_events.where)
    close_journals(log.banner_events.journals, store)
    [segment] = list_segments(store)
    store.write(segment.name, store.read(segment.name)[:-3])
    reader = read(log, streamflow, canary)
    reader.look()
    assert "damaged" in reader.trouble
