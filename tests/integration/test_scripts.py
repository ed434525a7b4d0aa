"""What goes wrong around the scripts is said in one sentence each, leaves nothing behind, and a second try goes on."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9/simple"  # a port where nothing listens


def run(*command: str | Path, before: Callable[[], None] | None = None, **environment: str | Path) -> tuple[int, str]:
    """A command's exit code and what it said on standard error."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=before,
    )
    return done.returncode, done.stderr


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_python_too_old_is_named(tmp_path: Path) -> None:
    old = program(tmp_path, "python", '[ "$1" = --version ] && echo Python 3.11.7 || exit 1')
    code, said = run("scripts/serve", PYTHON=old, CHURN_HOME=tmp_path / "home")
    assert code == 1
    assert said.splitlines() == [
        "error: Python 3.12, 3.13 or 3.14 is needed; found only Python 3.11.7",
        "instead: install one of them, or set PYTHON to its path",
    ]


def test_no_network_for_the_installer_is_one_sentence_and_leaves_no_half_of_it(tmp_path: Path) -> None:
    folders = os.environ["PATH"].split(":")
    without_uv = ":".join(folder for folder in folders if not (Path(folder) / "uv").exists())
    code, said = run(
        "scripts/serve",
        PATH=without_uv,
        PYTHON=sys.executable,
        CHURN_HOME=tmp_path,
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL=NOWHERE,
        PIP_FIND_LINKS="",
        PIP_RETRIES="0",
        PIP_NO_CACHE_DIR="1",
    )
    assert code == 1
    assert "error: could not install uv: no network, or no room" in said
    assert list((tmp_path / "tools").iterdir()) == []


def test_no_network_for_the_packages_is_one_sentence(tmp_path: Path) -> None:
    uv = shutil.which("uv") or next(ROOT.glob("var/tools/uv-*/bin/uv"), None)
    if uv is None:
        pytest.skip("uv is neither on PATH nor below var/tools; scripts/serve installs it there")
    code, said = run(
        "scripts/serve",
        PATH=f"{Path(uv).parent}:{os.environ['PATH']}",
        PYTHON=sys.executable,
        CHURN_HOME=tmp_path,
        UV_OFFLINE="1",
        UV_CACHE_DIR=tmp_path / "cache",
    )
    assert code == 1
    assert "the package index cannot be reached, and not all packages are in the cache" in said


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = run("scripts/serve", CHURN_HOME=tmp_path / "file")
    assert code == 1
    assert "cannot be written" in said


def test_paths_are_those_of_the_folder_where_somebody_starts_a_script(tmp_path: Path) -> None:
    show = 'source "$0"; printf "%s\\n" "$PWD" "$CHURN_HOME" "$CHURN_BUSINESSES" "$OFFER_POLICY"'
    given = {"CHURN_HOME": "home", "CHURN_BUSINESSES": ".:/elsewhere:mine & yours", "OFFER_POLICY": "an offer.toml"}
    done = subprocess.run(
        ["bash", "-c", show, ROOT / "scripts/lib/environment.sh"],
        cwd=tmp_path,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        str(ROOT),
        f"{tmp_path}/home",
        f"{tmp_path}/.:/elsewhere:{tmp_path}/mine & yours",
        f"{tmp_path}/an offer.toml",
    ]


def test_a_disk_that_fills_up_is_one_sentence_leaves_no_half_file_and_a_second_try_works(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "churn", "data", "demo")
    code, said = run(*command, CHURN_HOME=tmp_path, before=_little_room)
    assert code == 1
    assert "streamflow-v3-2024-03.csv: File too large" in said
    assert "Traceback" not in said
    assert list((tmp_path / "data").iterdir()) == []
    code, _ = run(*command, CHURN_HOME=tmp_path)
    assert code == 0


def _little_room() -> None:
    """A file may not grow past a megabyte: like a full disk, but on any machine."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))


@pytest.mark.parametrize(("options", "tool"), [([], "wrk"), (["--instructions"], "valgrind")])
def test_a_machine_without_a_tool_is_told_how_to_get_it(tmp_path: Path, options: list[str], tool: str) -> None:
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    code, said = run("scripts/bench", *options, PATH=tmp_path, CHURN_HOME=tmp_path / "home")
    assert code == 1
    assert f"apt-get install {tool}" in said
    assert not (tmp_path / "home").exists()


def test_an_unknown_argument_is_a_wrong_use() -> None:
    for script in ("serve", "check", "fix"):
        code, said = run(f"scripts/{script}", "--nonsense")
        assert code == 2
        assert "--help" in said
