"""A folder that an earlier version scored is gone on with, and the same rows get the same answers."""

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.earlier import EARLIER, THRESHOLD, earlier_json, lost
from support.processes import succeed

WRITTEN_NS = 1_773_136_800 * 10**9


@pytest.mark.parametrize("missing", [(), ("part-00001.parquet", "_rejects/part-00001.parquet")], ids=["none", "one"])
def test_missing_parts_are_made_again_and_all_say_the_same(own_home: Path, missing: tuple[str, ...]) -> None:
    scored, source = own_home / "scored", own_home / "to_score.csv"
    progress = scored / "_progress.json"
    progress.write_text(progress.read_text(encoding="utf-8").replace("FOLDER", str(own_home)), encoding="utf-8")
    os.utime(source, ns=(WRITTEN_NS, WRITTEN_NS))
    for name in missing:
        (scored / name).unlink()
    arguments = ("--bundle", EARLIER / "bundles" / "streamflow" / "v0.0.1", "--part-rows", "15", "--json")
    summary = json.loads(succeed(own_home, "score", source, "--out", scored, *arguments, CHURN_THRESHOLD=THRESHOLD))
    assert summary["parts_reused"] == (1 if missing else 2)
    ignored = {"parts_reused", "seconds", "rows_per_second"}
    assert lost(earlier_json("scored/_summary.json"), summary, ignored=ignored) == []
    for name in ("part-00000.parquet", "part-00001.parquet", "_rejects/part-00001.parquet"):
        assert pq.read_table(scored / name).equals(pq.read_table(EARLIER / "scored" / name)), name
