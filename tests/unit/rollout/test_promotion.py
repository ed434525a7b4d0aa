"""What follows the last bake, which may be done twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.rollouts import World, begin

from churn.cli.rollout_control import promote
from churn.errors import RolloutError
from churn.model.shelf import open_shelf
from churn.rollout.state import Rollout
from churn.rollout.store import RolloutStore
from churn.settings import Settings


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    shelf = open_shelf(tmp_path, "streamflow")
    for version in ("v1", "v2", "v3"):
        shelf.bundle(version).mkdir(parents=True)
    shelf.move_alias("champion", "v1")
    return shelf.folder


def links(bundles: Path) -> dict[str, str]:
    return {each.name: each.readlink().name for each in bundles.iterdir() if each.is_symlink()}


def finished(tmp_path: Path, command: str | None) -> Rollout:
    store = RolloutStore(tmp_path)
    rollout = begin(World(tmp_path), store, contract="streamflow", registry=False, on_promoted=command)
    store.close()
    return replace(rollout, canary="v2")


def test_the_command_that_takes_the_old_version_down_knows_which_one(bundles: Path, tmp_path: Path) -> None:
    printed = tmp_path / "printed"
    command = f"sh -c 'echo $STABLE_VERSION $CANARY_VERSION $ROLLOUT_SERVICE > {printed}'"
    promote(finished(tmp_path, command), Settings(churn_home=tmp_path))
    assert printed.read_text().split() == ["v1", "v2", "api"]
    assert links(bundles)["champion"] == "v2"


@pytest.mark.parametrize(
    ("command", "expected"),
    [("sh -c 'echo no room; exit 3'", "ended with 3: no room"), ("no-such-program", "cannot be run")],
)
def test_a_command_that_fails_is_told_and_can_be_tried_again(
    bundles: Path, tmp_path: Path, command: str, expected: str
) -> None:
    with pytest.raises(RolloutError, match=expected):
        promote(finished(tmp_path, command), Settings(churn_home=tmp_path))
    assert links(bundles) == {"champion": "v2", "previous": "v1"}
