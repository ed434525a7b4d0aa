"""Programs of other people, and how tests run them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).resolve().parents[1] / "clients"
PATIENCE_S = 300


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a command, which must succeed, and return what it printed."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def try_to_install(*command: str | Path, cwd: Path | None = None, **environment: str) -> None:
    """Run a command that downloads tools; skip the test where it fails."""
    try:
        run(*command, cwd=cwd, **environment)
    except AssertionError as error:
        pytest.skip(f"the tools could not be installed: {str(error).strip().splitlines()[0]}")


def require(name: str, package: str) -> str:
    """Return the path of a program; skip the test where there is none."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.skip(f"no {name} on PATH; on Debian: apt-get install {package}")
    return path
