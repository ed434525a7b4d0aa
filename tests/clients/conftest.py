"""A real service, and the tools of other people that make or are clients of it."""

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.foreign import CLIENTS, require, run, try_to_install
from support.keys import TWO_CALLERS
from support.processes import serving
from support.tools import ROOT, uv

from churn.model.bundle import Bundle

OLDEST_NODE = 20


@pytest.fixture(scope="session")
def address(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service that shows a banner to everybody who may see one."""
    settings = {"MODEL_PATH": bundles["streamflow"].path, "WORKERS": 1, "PREDICTION_LOG": "off", "CHURN_THRESHOLD": 0}
    with serving(tmp_path_factory.mktemp("service"), "serve", **settings) as (address, _):
        yield address


@pytest.fixture(scope="session")
def guarded_address(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the same service, where callers need a key."""
    settings = {"MODEL_PATH": bundles["streamflow"].path, "CHURN_THRESHOLD": 0, "API_KEYS": TWO_CALLERS}
    with serving(tmp_path_factory.mktemp("guarded"), "serve", **settings) as (address, _):
        yield address


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The npm packages of `node/package-lock.json`, installed once for each lock file."""
    npm = require("npm", "npm")
    version = run(require("node", "nodejs"), "--version")
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node is {version.strip()}; the tools want {OLDEST_NODE} or newer")
    lock = CLIENTS / "node" / "package-lock.json"
    name = f"clients-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder = Path(os.environ.get("CHURN_HOME", ROOT / "var")).absolute() / "tools" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            for file in ("package.json", lock.name):
                shutil.copy(CLIENTS / "node" / file, folder)
            try_to_install(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
            (folder / "done").touch()
    return folder / "node_modules"


@pytest.fixture(scope="session")
def generate_python_client() -> list[str]:
    """The command of openapi-python-client, in an environment of its own lock file."""
    project = CLIENTS / "python"
    environment = Path(os.environ.get("CHURN_HOME", ROOT / "var")).absolute() / "tools" / "openapi-python-client"
    options: list[str | Path] = ["--frozen", "--project", project, "--python", sys.executable, "--no-python-downloads"]
    try_to_install(uv(), "sync", *options, UV_PROJECT_ENVIRONMENT=str(environment))
    return [str(environment / "bin" / "python"), "-m", "openapi_python_client"]
