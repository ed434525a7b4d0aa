"""Nobody ever sees half a file."""

from pathlib import Path

import pytest

from churn.files import point_link, replace_directory, write_bytes


def test_a_failed_block_leaves_the_old_directory_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with replace_directory(target) as fresh:
        (fresh / "a").write_text("old")
    with pytest.raises(RuntimeError), replace_directory(target) as fresh:  # noqa: PT012 - the block is what fails
        (fresh / "a").write_text("half")
        raise RuntimeError
    assert (target / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_directory_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    for name in ("first", "second"):
        with replace_directory(target) as fresh:
            (fresh / name).write_text("")
    assert [file.name for file in target.iterdir()] == ["second"]


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_bytes(tmp_path / "taken", b"content")
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


def test_a_link_moves_to_another_target(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
        point_link(tmp_path / "champion", tmp_path / name)
    assert (tmp_path / "champion").resolve() == (tmp_path / "v2").resolve()
    assert {file.name for file in tmp_path.iterdir()} == {"v1", "v2", "champion"}
