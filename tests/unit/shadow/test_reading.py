"""Pairs out of a real log: closed segments, open journals, several bundles, and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.predicted import source_of
from support.shadowed import answers, write_shadowed

from churn.errors import DataError
from churn.model.bundle import Bundle
from churn.prediction_log.journal import Journal, list_journals
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import LineMaker
from churn.prediction_log.segments import list_segments, open_store
from churn.shadow.reading import Bundles, read_pairs
from churn.shadow.tally import Tally


@pytest.fixture
def streamflow(bundles: dict[str, Bundle]) -> Bundle:
    return bundles["streamflow"]


@pytest.fixture
def found(tmp_path: Path) -> Places:
    found = locate_log(None, "streamflow", home=tmp_path)
    found.prepare()
    return found


def the_one(where: Places, bundle: Bundle) -> Tally:
    [tally] = read_pairs(where, bundle.model.contract).values()
    return tally


def test_journals_and_segments_are_read_alike_and_each_record_once(found: Places, streamflow: Bundle) -> None:
    write_shadowed(found, streamflow, answers(streamflow))
    in_journal = the_one(found, streamflow)
    [journal] = list_journals(found.journals)
    content = journal.read_bytes()
    close_journals(found.journals, open_store(found.where))
    assert list_journals(found.journals) == []
    in_segment = the_one(found, streamflow)
    journal.write_bytes(content)  # closing was stopped before it removed the journal
    for tally in (in_journal, in_segment, the_one(found, streamflow)):
        assert (tally.pairs, tally.unpaired) == (3, 0)
        assert not tally.sums.any()
        np.testing.assert_array_equal(tally.groups[1], in_journal.groups[1])


def test_what_a_champion_answered_alone_is_no_pair(found: Places, streamflow: Bundle) -> None:
    maker = LineMaker(source_of(streamflow))
    journal = Journal(found.journals, maker.header)
    journal.append(b"".join(map(maker.make_line, answers(streamflow))))
    journal.close()
    assert read_pairs(found, streamflow.model.contract) == {}


def test_what_the_challenger_failed_to_answer_is_counted(found: Places, streamflow: Bundle) -> None:
    write_shadowed(found, streamflow, answers(streamflow))
    write_shadowed(found, streamflow, answers(streamflow), fail=True)
    tally = the_one(found, streamflow)
    assert (tally.pairs, tally.unpaired) == (3, 3)


def test_each_two_bundles_have_their_own_sums(found: Places, streamflow: Bundle) -> None:
    write_shadowed(found, streamflow, answers(streamflow))
    write_shadowed(found, streamflow, answers(streamflow)[:1], version="v0.0.2")
    tallies = read_pairs(found, streamflow.model.contract)
    sha256 = streamflow.sha256
    assert {bundles: tally.pairs for bundles, tally in tallies.items()} == {
        Bundles("v0.0.1", sha256, "v0.0.1", sha256): 3,
        Bundles("v0.0.1", sha256, "v0.0.2", sha256): 1,
    }


def test_only_records_of_the_time_that_is_asked_for_are_read(found: Places, streamflow: Bundle) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [
        one._replace(time_ns=int((start + timedelta(hours=hour)).timestamp()) * 10**9)
        for hour, one in enumerate(answers(streamflow))
    ]
    write_shadowed(found, streamflow, hours)
    close_journals(found.journals, open_store(found.where))
    during = (start + timedelta(minutes=30), start + timedelta(hours=2))  # the end is not part of it
    [tally] = read_pairs(found, streamflow.model.contract, during=during).values()
    assert (tally.pairs, tally.first_us) == (1, int((start + timedelta(hours=1)).timestamp()) * 10**6)


def test_a_damaged_segment_is_named(found: Places, streamflow: Bundle) -> None:
    write_shadowed(found, streamflow, answers(streamflow))
    store = open_store(found.where)
    close_journals(found.journals, store)
    [segment] = list_segments(store)
    store.write(segment.name, store.read(segment.name)[:-3])
    with pytest.raises(DataError, match="damaged"):
        read_pairs(found, streamflow.model.contract)
