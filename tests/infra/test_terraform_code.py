"""The Terraform code itself: its layout, whether it holds together, what it refuses, and what checkov says of it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.terraform_runs import SOURCE, Terraform, copy_of_terraform
from support.tools import uv

pytestmark = pytest.mark.xdist_group("terraform-code")

CHECKOV = Path(__file__).with_name("checkov")
PATIENCE_S = 300


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_terraform(tmp_path_factory.mktemp("code"))


def test_all_files_have_one_layout(copy: Path) -> None:
    assert Terraform(copy).succeed("fmt", "-check", "-recursive", "-diff") == ""


@pytest.mark.parametrize("name", sorted(path.name for path in (SOURCE / "envs").iterdir()))
def test_an_environment_holds_together(copy: Path, name: str) -> None:
    terraform = Terraform(copy / "envs" / name)
    terraform.initialise("-backend=false")
    answer = json.loads(terraform.succeed("validate", "-json"))
    assert answer["diagnostics"] == []


def test_what_must_be_refused_is_refused_and_the_rest_is_planned_as_meant(copy: Path) -> None:
    terraform = Terraform(copy / "modules" / "platform")
    terraform.initialise("-backend=false")
    said = terraform.succeed("test")
    assert re.search(r"Success! \d\d passed, 0 failed\.", said), said


def test_every_rule_for_a_variable_has_a_run_in_which_it_refuses() -> None:
    tests = "".join(path.read_text() for path in SOURCE.glob("modules/*/tests/*.tftest.hcl"))
    refused = set(re.findall(r"expect_failures\s*=\s*\[var\.(\w+)\]", tests))
    with_a_rule = set()
    for path in SOURCE.glob("modules/*/variables.tf"):
        for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', path.read_text(), re.DOTALL | re.MULTILINE):
            assert "description" in body, f"{path}: {name} is not described"
            if "validation {" in body:
                with_a_rule.add(name)
    assert with_a_rule == refused


def test_checkov_finds_nothing_that_is_not_skipped_with_a_reason(tmp_path: Path) -> None:
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "venv"), "LOG_LEVEL": "ERROR"}
    project = shutil.copytree(CHECKOV, tmp_path / "checkov")
    command = [uv(), "run", "--quiet", "--frozen", "--no-python-downloads", "--python", sys.executable]
    options = ["--framework", "terraform", "--skip-download", "--compact", "--output", "json"]
    done = subprocess.run(
        [*command, "--project", project, "checkov", "--directory", SOURCE, *options],
        env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    if not done.stdout:
        pytest.skip(f"uv cannot get checkov: {done.stderr.strip().splitlines()[-1]}")
    report = json.loads(done.stdout)
    failed = [
        f"{each['check_id']} {each['resource']}: {each['check_name']}" for each in report["results"]["failed_checks"]
    ]
    assert failed == []
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 100
    assert all(len(each["check_result"]["suppress_comment"]) > 10 for each in report["results"]["skipped_checks"])
