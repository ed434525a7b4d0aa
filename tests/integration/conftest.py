"""One home in which the whole road was gone once, for all tests that look at where it leads."""

from pathlib import Path

import pytest
from support.processes import serving


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first `churn start`; tests that use it are of the group `road`, so that it is made once."""
    home = tmp_path_factory.mktemp("road") / "home"
    with serving(home, "start") as (_, said):
        (home.parent / "said.txt").write_text(said)
    return home
