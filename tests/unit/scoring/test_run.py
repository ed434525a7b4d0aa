"""The whole of bulk scoring: what is bound to what, what goes on where it stopped, and what is refused."""

import functools
import json
import os
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.examples import EXAMPLE
from support.tables import rejected, scored, write_rows

from churn.errors import BundleError, ChurnError, DataError, SettingsError
from churn.model.bundle import Bundle
from churn.reading.sources import FilePart
from churn.scoring.local import score_locally
from churn.scoring.parts import Job, PartResult, score_part
from churn.scoring.run import Request, score

HERE = functools.partial(score_locally, workers=1)


@pytest.fixture
def request_of(bundles: dict[str, Bundle], tmp_path: Path) -> Callable[..., Request]:
    """Requests to score ten rows in four parts; the fourth and the last row are bad."""
    rows = [{**EXAMPLE, "tenure": 121 if at in {3, 9} else at, "note": ""} for at in range(10)]
    path = write_rows(tmp_path / "rows.csv", rows)

    def make(**changed: Any) -> Request:
        known: dict[str, Any] = {
            "source": path,
            "bundle": bundles["streamflow"],
            "threshold": 0.6,
            "reasons": 3,
            "part_rows": 3,
        }
        return Request(out=tmp_path / "out", **(known | changed))

    return make


def lost_after(count: int) -> Callable[[Job, Sequence[FilePart]], Generator[PartResult, None, None]]:
    """An engine that makes so many parts and is then lost, in the middle of writing."""

    def engine(job: Job, parts: Sequence[FilePart]) -> Generator[PartResult, None, None]:
        for part in parts[:count]:
            yield score_part(job, part)
        (job.out / ".unfinished-1").touch()
        raise KeyboardInterrupt

    return engine


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_summary_counts_everything(request_of: Callable[..., Request], tmp_path: Path) -> None:
    said: list[str] = []
    moves: list[tuple[int, int]] = []
    summary = score(request_of(), HERE, say=said.append, progress=lambda *move: moves.append(move))
    assert (summary["rows"], summary["scored"], summary["rejected"], summary["parts"]) == (10, 8, 2, 4)
    assert sum(summary["tiers"].values()) == 8
    assert summary["model_version"] == "v0.0.1"
    assert json.loads((tmp_path / "out" / "_summary.json").read_text()) == summary
    assert said == ["columns that are not looked at: note"]
    assert moves == [(0, 10), (3, 10), (6, 10), (9, 10), (10, 10)]
    assert sorted(contents(tmp_path / "out")) == [
        "_progress.json",
        "_rejects/part-00001.parquet",
        "_rejects/part-00003.parquet",
        "_summary.json",
        *(f"part-0000{number}.parquet" for number in range(4)),
    ]


def test_what_was_stopped_goes_on_with_the_parts_that_are_missing(
    request_of: Callable[..., Request], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(request_of(), lost_after(2))
    out = tmp_path / "out"
    begun = contents(out)
    assert sorted(begun) == [
        "_progress.json",
        "_rejects/part-00001.parquet",
        "part-00000.parquet",
        "part-00001.parquet",
    ]
    made: list[int] = []

    def engine(job: Job, parts: Sequence[FilePart]) -> Generator[PartResult, None, None]:
        made.extend(part.number for part in parts)
        yield from HERE(job, parts)

    summary = score(request_of(), engine)
    assert made == [2, 3]
    assert (summary["rows"], summary["rejected"], summary["parts_reused"]) == (10, 2, 2)
    assert contents(out).items() >= begun.items()
    assert [row["row"] for row in scored(out)] == [1, 2, 3, 5, 6, 7, 8, 9]
    assert [row["row"] for row in rejected(out)] == [4, 10]


def test_what_is_done_is_not_done_again(request_of: Callable[..., Request]) -> None:
    def engine(_: Job, parts: Sequence[FilePart]) -> Generator[PartResult, None, None]:
        assert not parts
        yield from ()

    first = score(request_of(), HERE)
    again = score(request_of(), engine)
    assert again | {"seconds": 0, "rows_per_second": 0} == first | {
        "seconds": 0,
        "rows_per_second": 0,
        "parts_reused": 4,
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"threshold": 0.5}, "another threshold"),
        ({"reasons": 2}, "another number of reasons"),
        ({"part_rows": 4}, "another number of rows in a part"),
        ({"source": "touched"}, "another input"),
        ({"source": "another"}, "another input"),
        ({"bundle": "telco"}, "no column gender"),
    ],
)
def test_answers_of_different_questions_are_never_mixed(
    request_of: Callable[..., Request],
    bundles: dict[str, Bundle],
    tmp_path: Path,
    changed: dict[str, Any],
    said: str,
) -> None:
    score(request_of(), HERE)
    before = contents(tmp_path / "out")
    if changed == {"source": "touched"}:
        os.utime(tmp_path / "rows.csv", ns=(1, 1))
        changed = {}
    elif "source" in changed:
        changed = {"source": write_rows(tmp_path / "other.csv", [EXAMPLE])}
    elif "bundle" in changed:
        changed = {"bundle": bundles["telco"]}
    with pytest.raises(DataError, match=said):
        score(request_of(**changed), HERE)
    assert contents(tmp_path / "out") == before


def test_overwrite_starts_anew_and_leaves_nothing_of_before(request_of: Callable[..., Request], tmp_path: Path) -> None:
    score(request_of(), HERE)
    source = write_rows(tmp_path / "other.csv", [EXAMPLE])
    score(request_of(source=source, threshold=0.5, overwrite=True), HERE)
    assert sorted(contents(tmp_path / "out")) == ["_progress.json", "_summary.json", "part-00000.parquet"]


def test_files_that_are_not_ours_are_never_deleted(request_of: Callable[..., Request], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(SettingsError, match=r"other files, such as thesis\.txt"):
        score(request_of(overwrite=True), HERE)
    assert contents(tmp_path / "out") == {"thesis.txt": b"years of work"}


def test_parts_of_unknown_making_are_not_trusted(request_of: Callable[..., Request], tmp_path: Path) -> None:
    score(request_of(), HERE)
    (tmp_path / "out" / "_progress.json").unlink()
    with pytest.raises(DataError, match="nobody knows"):
        score(request_of(), HERE)


@pytest.mark.parametrize("inside", ["rows", "rows/out", ""])
def test_input_and_output_lie_apart(request_of: Callable[..., Request], tmp_path: Path, inside: str) -> None:
    write_rows(tmp_path / "rows" / "a.csv", [EXAMPLE])
    request = request_of(source=tmp_path / "rows")
    with pytest.raises(SettingsError, match="one in the other"):
        score(Request(tmp_path / "rows", tmp_path / inside, request.bundle, 0.6, 3), HERE)


def test_too_many_rejects_are_a_failure_that_keeps_what_was_made(
    request_of: Callable[..., Request], tmp_path: Path
) -> None:
    assert score(request_of(max_reject_share=0.2), HERE)["rejected"] == 2
    with pytest.raises(DataError, match="2 of 10 rows are rejects") as caught:
        score(request_of(max_reject_share=0.19, overwrite=True), HERE)
    assert caught.value.exit_code == 3
    assert len(scored(tmp_path / "out")) == 8
    assert not (tmp_path / "out" / "_summary.json").exists()
    assert score(request_of(), HERE)["parts_reused"] == 4


def test_more_reasons_than_features_are_refused(request_of: Callable[..., Request]) -> None:
    with pytest.raises(SettingsError, match="there cannot be 11 reasons"):
        score(request_of(reasons=11), HERE)


def test_several_processes_make_the_files_that_one_makes(request_of: Callable[..., Request], tmp_path: Path) -> None:
    score(request_of(), HERE)
    alone = contents(tmp_path / "out")
    score(request_of(overwrite=True), functools.partial(score_locally, workers=2))
    together = contents(tmp_path / "out")
    del alone["_summary.json"], together["_summary.json"]
    assert together == alone


def test_an_error_in_a_worker_is_the_error_of_the_command(request_of: Callable[..., Request], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="another bundle"):
        score(request_of(), lambda job, parts: score_locally(replace(job, bundle_sha256="0" * 64), parts, workers=2))
    assert scored(tmp_path / "out") == []


def test_a_lost_worker_is_an_error_that_says_how_to_go_on(request_of: Callable[..., Request]) -> None:
    def engine(job: Job, parts: Sequence[FilePart]) -> Generator[PartResult, None, None]:
        return score_locally(job, [*parts[:-1], _Deadly(parts[-1])], workers=2)  # type: ignore[list-item]

    with pytest.raises(ChurnError, match="a worker process was lost") as caught:
        score(request_of(), engine)
    assert "goes on" in caught.value.instead
    assert score(request_of(), HERE)["rows"] == 10


class _Deadly:
    """A part that kills the worker that unpacks it, as the system does when memory is short."""

    def __init__(self, part: FilePart) -> None:
        self.part = part

    def __reduce__(self) -> tuple[Any, ...]:
        return _kill_worker, ()


def _kill_worker() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
