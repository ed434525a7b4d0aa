"""Pairs out of a real log: closed segments, open journals, several bundles, and times."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.predicted import make_header
from support.shadowed import answers, write_shadowed

from churn.errors import DataError
from churn.model.bundle import Bundle
from churn.prediction_log.journal import Journal, list_journals
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import LineMaker
from churn.prediction_log.segments import list_segments, open_store
from churn.shadow.reading import BundlePair, read_pairs
from churn.shadow.sums import PairSums


@pytest.fixture
def log(tmp_path: Path) -> Places:
    log = locate_log(None, "streamflow", home=tmp_path)
    log.prepare()
    return log


def sums_of_one(where: Places, bundle: Bundle) -> PairSums:
    [pair_sums] = read_pairs(where, bundle.model.contract).values()
    return pair_sums


def test_journals_and_segments_are_read_alike_and_each_record_once(log: Places, streamflow: Bundle) -> None:
    write_shadowed(log, streamflow, answers(streamflow))
    in_journal = sums_of_one(log, streamflow)
    [journal] = list_journals(log.journals)
    content = journal.read_bytes()
    close_journals(log.journals, open_store(log.where))
    assert list_journals(log.journals) == []
    in_segment = sums_of_one(log, streamflow)
    journal.write_bytes(content)  # closing was stopped before it removed the journal
    for pair_sums in (in_journal, in_segment, sums_of_one(log, streamflow)):
        assert (pair_sums.pairs, pair_sums.unpaired) == (3, 0)
        assert not pair_sums.totals.any()
        np.testing.assert_array_equal(pair_sums.groups[1], in_journal.groups[1])


def test_what_a_champion_answered_alone_is_no_pair(log: Places, streamflow: Bundle) -> None:
    maker = LineMaker(make_header(streamflow))
    journal = Journal(log.journals, maker.header)
    journal.append(b"".join(map(maker.make_line, answers(streamflow))))
    journal.close()
    assert read_pairs(log, streamflow.model.contract) == {}


def test_what_the_challenger_failed_to_answer_is_counted(log: Places, streamflow: Bundle) -> None:
    write_shadowed(log, streamflow, answers(streamflow))
    write_shadowed(log, streamflow, answers(streamflow), fail=True)
    pair_sums = sums_of_one(log, streamflow)
    assert (pair_sums.pairs, pair_sums.unpaired) == (3, 3)


def test_each_two_bundles_have_their_own_sums(log: Places, streamflow: Bundle) -> None:
    write_shadowed(log, streamflow, answers(streamflow))
    write_shadowed(log, streamflow, answers(streamflow)[:1], version="v0.0.2")
    sums = read_pairs(log, streamflow.model.contract)
    sha256 = streamflow.sha256
    assert {bundles: pair_sums.pairs for bundles, pair_sums in sums.items()} == {
        BundlePair("v0.0.1", sha256, "v0.0.1", sha256): 3,
        BundlePair("v0.0.1", sha256, "v0.0.2", sha256): 1,
    }


def test_only_records_of_the_time_that_is_asked_for_are_read(log: Places, streamflow: Bundle) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [
        answer._replace(time_ns=int((start + timedelta(hours=hour)).timestamp()) * 10**9)
        for hour, answer in enumerate(answers(streamflow))
    ]
    write_shadowed(log, streamflow, hours)
    close_journals(log.journals, open_store(log.where))
    during = (start + timedelta(minutes=30), start + timedelta(hours=2))  # the end is not part of it
    [pair_sums] = read_pairs(log, streamflow.model.contract, during=during).values()
    assert (pair_sums.pairs, pair_sums.first_us) == (1, int((start + timedelta(hours=1)).timestamp()) * 10**6)


def test_a_damaged_segment_is_named(log: Places, streamflow: Bundle) -> None:
    write_shadowed(log, streamflow, answers(streamflow))
    store = open_store(log.where)
    close_journals(log.journals, store)
    [segment] = list_segments(store)
    store.write(segment.name, store.read(segment.name)[:-3])
    with pytest.raises(DataError, match="damaged"):
        read_pairs(log, streamflow.model.contract)
