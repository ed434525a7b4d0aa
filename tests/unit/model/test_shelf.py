"""The shelf moves its links in one step, and as often as it is asked."""

from pathlib import Path

import pytest

from churn.model.shelf import Shelf, open_shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = open_shelf(tmp_path, "streamflow")
    for version in ("v1", "v2", "v3"):
        shelf.bundle(version).mkdir(parents=True)
    shelf.move_alias("champion", "v1")
    return shelf


def links(shelf: Shelf) -> dict[str, str]:
    return {path.name: path.readlink().name for path in shelf.folder.iterdir() if path.is_symlink()}


def test_the_new_bundle_is_champion_and_the_old_one_previous_however_often_it_is_said(shelf: Shelf) -> None:
    for _ in range(2):
        shelf.move_champion("v2")
        assert links(shelf) == {"champion": "v2", "previous": "v1"}


def test_a_version_without_a_bundle_here_moves_no_link(shelf: Shelf) -> None:
    shelf.move_champion("v9")
    assert links(shelf) == {"champion": "v1"}


def test_the_first_champion_has_no_previous(shelf: Shelf) -> None:
    shelf.champion.unlink()
    shelf.move_champion("v2")
    assert links(shelf) == {"champion": "v2"}
