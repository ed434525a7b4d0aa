"""Rollouts in every state, and dashboards that show them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.demo_bundle import write_demo_bundle
from support.watching import Dashboard, Open

from demo.simulated_rollouts import write_demo


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rollouts: 1 was promoted, 2 was rolled back, 3 is under way. To be read only."""
    home = tmp_path_factory.mktemp("demo")
    write_demo(home, every_s=4 * 3600)
    return home


@pytest.fixture
def own_home(demo_home: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    return home


@pytest.fixture
def dashboard() -> Iterator[Open]:
    """Opens dashboards, and closes them at the end."""
    opened: list[Dashboard] = []

    def open_one(home: Path, **watched: Any) -> Dashboard:
        opened.append(Dashboard(home, **watched))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def bundle_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion, and a bundle that was changed after its export."""
    home = tmp_path_factory.mktemp("bundles")
    folder = home / "bundles" / "streamflow"
    folder.mkdir(parents=True)
    write_demo_bundle(folder / "v1", "v1", draws=6000, trees=20)
    (folder / "champion").symlink_to("v1")
    (folder / "v0").mkdir()
    for name in ("manifest.json", "manifest.sha256"):
        (folder / "v0" / name).write_bytes((folder / "v1" / name).read_bytes() + b" ")
    return home
