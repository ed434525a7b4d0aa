"""Tools that the scripts install beside the environment."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def uv() -> str:
    """The path of uv: the one on PATH, or the scripts' own; the test is skipped where there is neither."""
    homes = {ROOT / "var", ROOT / os.environ.get("CHURN_HOME", "var")}
    ours = [str(path) for home in homes for path in home.glob("tools/uv-*/bin/uv")]
    found = [path for path in (shutil.which("uv"), *ours) if path]
    if not found:
        pytest.skip("no uv to read the lock file with")
    return found[0]
