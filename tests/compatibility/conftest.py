"""A copy of the files that an earlier commit wrote."""

from pathlib import Path

import pytest
from support.earlier import copy_earlier


@pytest.fixture(scope="session")
def earlier_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that tests only read from; opening a database makes files beside it."""
    return copy_earlier(tmp_path_factory.mktemp("earlier"))


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    """A copy of its own for a test that writes."""
    return copy_earlier(tmp_path)
