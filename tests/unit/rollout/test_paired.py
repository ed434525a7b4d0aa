"""Pairs out of a real log: the canary's records, a shadow's before them, and what cannot be paired."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arro3.core import Array, DataType, RecordBatch
from support.predicted import make_entry, make_header
from support.shadowed import write_shadowed

from churn.judging.pairs import PairCounts
from churn.model.bundle import Bundle
from churn.model.model import Prediction
from churn.prediction_log.batches import parquet_from_batches
from churn.prediction_log.journal import Journal, list_journals
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import FEATURE, Entry, JournalHeader, LineMaker
from churn.prediction_log.segments import Segment, list_segments, open_store, write_segment
from churn.rollout.paired import NAMES, SHADOW, PairReader, Versions

BEGAN = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def log(tmp_path: Path) -> Places:
    log = locate_log(None, "streamflow", home=tmp_path)
    log.prepare()
    return log


@pytest.fixture
def stable(streamflow: Bundle) -> Bundle:
    return streamflow


@pytest.fixture
def canary(streamflow: Bundle) -> Bundle:
    """The same model, for which nobody is at risk and the reasons are others."""

    def explain(rows: np.ndarray) -> np.ndarray:
        explained = streamflow.model.explain(rows).copy()
        explained[:, :-1] = explained[:, -2::-1]
        explained[:, -1] -= 19
        return explained

    return replace(streamflow, sha256="c" * 64, model=replace(streamflow.model, version="v9", explain=explain))


def write(log: Places, bundle: Bundle, entries: Sequence[Entry], *, salt: str | None = "a secret of the tests") -> None:
    maker = LineMaker(make_header(bundle, salt=salt))
    journal = Journal(log.journals, maker.header)
    journal.append(b"".join(map(maker.make_line, entries)))
    journal.close()


def write_pairs(log: Places, champion: Bundle, challenger: Bundle, entries: list[Entry]) -> None:
    """A journal of the champion's answers, with the challenger's."""
    write_shadowed(log, challenger, entries)
    [journal] = list_journals(log.journals)
    name = b'"bundle_sha256":"%b"'
    before, now = (name % bundle.sha256.encode() for bundle in (challenger, champion))
    journal.write_bytes(journal.read_bytes().replace(before, now))


def ask(bundle: Bundle, *keys: str, ago: timedelta = timedelta(0), tenure: int = 100) -> list[Entry]:
    at_ns = int((datetime.now(UTC) - ago).timestamp()) * 10**9
    entries = [make_entry(bundle, key=key, tenure=tenure) for key in keys]
    return [entry._replace(time_ns=at_ns + number * 1000) for number, entry in enumerate(entries)]


def read(log: Places, stable: Bundle, canary: Bundle, *, has_canary: bool = True) -> PairReader:
    versions = Versions(
        stable=stable,
        canary_version=canary.model.version,
        canary_sha256=canary.sha256,
        canary=canary if has_canary else None,
        began=BEGAN,
    )
    return PairReader(log, versions)


def pairs(reader: PairReader) -> PairCounts:
    evidence = reader.look()
    assert evidence.pairs is not None, evidence.no_pairs
    return evidence.pairs


def test_each_subscriber_counts_once_and_both_versions_answer_the_same_record(
    log: Places, stable: Bundle, canary: Bundle
) -> None:
    reader = read(log, stable, canary)
    write(log, canary, ask(canary, "ann", "bob", "ann", "ann"))
    assert pairs(reader).subscribers == 2
    write(log, canary, ask(canary, "bob", "cid"))
    write(log, stable, ask(stable, "dan"))
    counted = pairs(reader)
    assert counted.subscribers == 3
    assert counted.parts["banners"]["with a banner"] == (0, 3)
    assert counted.parts["tiers"]["high"] == (0, 3)
    assert counted.parts["scores"]["up to 0.95"] == (3, 0)
    assert sum(canary_only for canary_only, _ in counted.parts["reasons"].values()) > 0


def test_the_same_version_twice_never_differs(log: Places, stable: Bundle) -> None:
    again = replace(stable, sha256="a" * 64)
    write(log, again, [entry for tenure in (1, 20, 70) for entry in ask(again, f"{tenure}", tenure=tenure)])
    counted = pairs(read(log, stable, again))
    assert counted.subscribers == 3
    assert {hits for parts in counted.parts.values() for hits in parts.values()} == {(0, 0)}


def test_a_reader_that_begins_anew_counts_the_same_whatever_was_closed_meanwhile(
    log: Places, stable: Bundle, canary: Bundle
) -> None:
    reader = read(log, stable, canary)
    write(log, canary, ask(canary, "ann", "bob", ago=timedelta(minutes=5), tenure=1))
    pairs(reader)
    close_journals(log.journals, open_store(log.where))
    write(log, canary, ask(canary, "cid", "ann", tenure=72))
    write(log, canary, ask(canary, "cid", ago=timedelta(minutes=9), tenure=1))
    assert pairs(reader) == pairs(read(log, stable, canary))


def test_a_shadow_before_the_rollout_is_evidence_and_counts_the_same_subscriber_once(
    log: Places, stable: Bundle, canary: Bundle
) -> None:
    before = timedelta(days=2)
    write_pairs(log, stable, canary, ask(stable, "ann", "bob", ago=before))
    write(log, canary, ask(canary, "ann", "cid"))
    counted = pairs(read(log, stable, canary))
    assert (counted.subscribers, counted.parts["banners"]["with a banner"]) == (3, (0, 3))
    without = pairs(read(log, stable, canary, has_canary=False))
    assert without.subscribers == 2


def test_what_is_too_old_is_no_evidence(log: Places, stable: Bundle, canary: Bundle) -> None:
    write_pairs(log, stable, canary, ask(stable, "bob", ago=SHADOW + timedelta(hours=2)))
    write(log, canary, ask(canary, "ann", ago=timedelta(hours=2)))
    evidence = read(log, stable, canary).look()
    assert evidence.pairs is None
    assert "no record of v9 since the rollout began is in" in evidence.no_pairs


def test_a_challenger_that_is_stable_is_believed_and_not_asked_again(
    log: Places, stable: Bundle, canary: Bundle
) -> None:
    def refuse(_: np.ndarray) -> np.ndarray:
        raise AssertionError("it answered already")

    write_pairs(log, canary, stable, ask(canary, "ann"))
    mute = replace(stable, model=replace(stable.model, explain=refuse))
    assert pairs(read(log, mute, canary)).subscribers == 1


@pytest.mark.parametrize(("salt", "key"), [(None, "ann"), ("a secret of the tests", None)], ids=["no salt", "no key"])
def test_records_that_name_no_subscriber_are_no_evidence_and_it_says_what_to_switch_on(
    log: Places, canary: Bundle, salt: str | None, key: str | None
) -> None:
    write(log, canary, [make_entry(canary, key=key)] * 3, salt=salt)
    evidence = read(log, replace(canary, sha256="f" * 64), canary).look()
    assert evidence.pairs is None
    assert "none of 3 records of v9" in evidence.no_pairs
    assert "set PREDICTION_LOG_SALT" in evidence.no_pairs


def test_records_of_another_contract_are_not_paired_and_it_says_so(log: Places, stable: Bundle, canary: Bundle) -> None:
    maker = LineMaker(JournalHeader("streamflow", ("x",), "v9", canary.sha256, 0.6, "a secret of the tests"))
    journal = Journal(log.journals, maker.header)
    entry = make_entry(canary)._replace(prediction=Prediction(0.5, (1.0,), (0.0,), 0.0))
    journal.append(maker.make_line(entry))
    journal.close()
    evidence = read(log, stable, canary).look()
    assert evidence.pairs is None
    assert "since the contract has changed" in evidence.no_pairs


def test_what_cannot_be_read_is_trouble_and_what_was_counted_stays(log: Places, stable: Bundle, canary: Bundle) -> None:
    reader = read(log, stable, canary)
    write(log, canary, ask(canary, "ann", ago=timedelta(minutes=5)))
    pairs(reader)
    write(log, canary, ask(canary, "bob"))
    close_journals(log.journals, store := open_store(log.where))
    damaged = list_segments(store)[-1]
    store.write(damaged.name, store.read(damaged.name)[:-3])
    evidence = reader.look()
    assert evidence.pairs is not None
    assert evidence.pairs.subscribers == 1
    assert "damaged" in evidence.trouble


def test_whatever_stands_in_a_log_a_look_ends_without_an_error(log: Places, stable: Bundle, canary: Bundle) -> None:
    features = [FEATURE + name for name in stable.model.contract.feature_names()]
    texts = dict.fromkeys((*NAMES, *features), "?") | {"bundle_sha256": canary.sha256}
    columns: dict[str, Any] = {name: Array([text], DataType.utf8()) for name, text in texts.items()}
    content = parquet_from_batches([RecordBatch.from_pydict(columns)])
    now = datetime.now(UTC)
    write_segment(open_store(log.where), Segment(now, now, 1, "foreign", ""), content)
    evidence = read(log, stable, canary).look()
    assert evidence.pairs is None
    assert "the prediction log holds what cannot be read" in evidence.trouble
