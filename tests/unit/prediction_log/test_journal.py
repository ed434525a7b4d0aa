"""Journals: what is written is read back, whatever the process dies of."""

import multiprocessing
import os
import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.predicted import make_entry, make_header, read_lines

from churn.model.bundle import Bundle
from churn.prediction_log.journal import Journal, claim_journal, list_journals, split_torn_line
from churn.prediction_log.record import LineMaker, hash_key, list_columns


@given(
    lines=st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=8),
    data=st.data(),
)
def test_a_journal_cut_anywhere_loses_only_the_line_it_is_cut_in(lines: list[bytes], data: st.DataObject) -> None:
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    whole, torn = split_torn_line(content[:cut])
    kept = whole.splitlines(keepends=True) if b"\r" not in whole else [line + b"\n" for line in whole.split(b"\n")[:-1]]
    assert kept == lines[: len(kept)]
    assert len(whole) + len(lines[len(kept)] if torn else b"") >= cut
    assert torn == (cut != len(whole))


def test_a_line_is_read_back_to_the_bit(streamflow: Bundle) -> None:
    maker, entry = LineMaker(make_header(streamflow)), make_entry(streamflow, threshold=0.0)
    [record] = read_lines(maker.header, maker.make_line(entry))
    names = streamflow.model.contract.feature_names()
    assert list(record) == list_columns(names)
    assert tuple(record[f"contribution_{name}"] for name in names) == entry.prediction.contributions
    assert tuple(record[f"feature_{name}"] for name in names) == entry.prediction.values
    assert (record["probability"], record["base_value"]) == (entry.prediction.probability, entry.prediction.base_value)
    assert entry.decision is not None
    shown = entry.decision.shown
    assert record["shown_reasons"] == [reason["code"] for reason in shown["reasons"]]
    assert (record["arm"], record["banner"]) == (shown["arm"], True)


def test_a_subscribers_key_is_hashed_with_the_salt_and_never_kept_itself(streamflow: Bundle) -> None:
    entry = make_entry(streamflow, key="somebody-in-particular")
    line = LineMaker(make_header(streamflow)).make_line(entry)
    assert b"somebody-in-particular" not in line
    assert (hash_key(entry.key, make_header(streamflow).salt) or "").encode() in line
    assert hash_key("one", "salt") != hash_key("one", "other salt") != hash_key("two", "other salt")


def test_without_a_salt_no_key_is_kept_in_any_form(streamflow: Bundle) -> None:
    maker = LineMaker(make_header(streamflow, salt=None))
    [record] = read_lines(maker.header, maker.make_line(make_entry(streamflow)))
    assert record["subscriber"] is None


def test_a_journal_is_only_to_be_had_when_its_writer_has_let_go(tmp_path: Path) -> None:
    journal = Journal(tmp_path, b"first\n")
    with claim_journal(journal.path) as ours:
        assert not ours
    journal.append(b"second\n")
    journal.close()
    with claim_journal(journal.path) as ours, claim_journal(journal.path) as anybody_elses:
        assert ours
        assert not anybody_elses
    assert journal.path.read_bytes() == b"first\nsecond\n"


def test_a_journal_of_a_dead_process_is_to_be_had(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 9
    [path] = list_journals(tmp_path)
    with claim_journal(path) as ours:
        assert ours
    assert path.read_bytes() == b"first\nsecond\n"


def test_a_journal_that_another_has_closed_meanwhile_is_not_to_be_had(tmp_path: Path) -> None:
    with claim_journal(tmp_path / "gone.jsonl") as ours:
        assert not ours


def test_a_full_disk_leaves_no_half_a_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path, b"first\n")
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most[1]))  # within the second line
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.append(b"second\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
        signal.signal(signal.SIGXFSZ, ignored)
    journal.append(b"third\n")
    journal.close()
    assert journal.path.read_bytes() == b"first\nthird\n"


def _write_and_die(folder: Path) -> None:
    Journal(folder, b"first\n").append(b"second\n")
    os._exit(9)
