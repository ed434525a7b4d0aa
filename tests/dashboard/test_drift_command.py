"""`churn drift`: what moved is named, the page can be mailed, and scripts learn of it by the exit code."""

import json
import re
from pathlib import Path

from support.logged import write_demo_log
from support.processes import churn
from support.watching import words

FAR, TOO_FEW = 12, 9


def test_what_moved_far_is_named_in_the_table_the_page_and_the_exit_code(bundle_home: Path, tmp_path: Path) -> None:
    write_demo_log(tmp_path / "log" / "streamflow", dearer=1.5)
    page = tmp_path / "drift.html"
    done = churn(bundle_home, "drift", "--out", page, PREDICTION_LOG=tmp_path / "log")
    assert done.code == FAR, done.err
    assert "the latest 2,000 predictions of v1" in done.out
    assert re.search(r"Monthly charges .* has moved far", done.out)
    content = page.read_text(encoding="utf-8")
    assert "Far from what the model was trained on: Score, Monthly charges." in words(content)
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=", content)


def test_only_what_is_asked_for_is_compared(bundle_home: Path, tmp_path: Path) -> None:
    write_demo_log(tmp_path / "log" / "streamflow", dearer=1.0)
    done = churn(bundle_home, "drift", "--since", "1970-01-01T00:33", "--json", PREDICTION_LOG=tmp_path / "log")
    figures = json.loads(done.out)
    assert figures["predictions"] == 20  # one a second, from 1970 on; the rest is earlier
    assert (figures["band"], done.code) == ("too few", TOO_FEW)
    assert len(figures["drift"]) == 1 + 10


def test_without_a_record_it_says_why_and_writes_no_page(bundle_home: Path, tmp_path: Path) -> None:
    page = tmp_path / "drift.html"
    done = churn(bundle_home, "drift", "--since", "24h", "--out", page, PREDICTION_LOG=tmp_path / "log")
    assert done.code == TOO_FEW
    assert "holds no record of v1 since then" in done.out
    assert not page.exists()


def test_a_page_of_another_kind_is_refused(tmp_path: Path) -> None:
    done = churn(tmp_path, "drift", "--out", "drift.pdf")
    assert done.code == 2
    assert "let it end in .html, .json or .png" in done.err
