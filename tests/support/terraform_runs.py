"""Terraform on a copy of deploy/terraform, so that nothing of a run gets into the checkout."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "deploy" / "terraform"
# Where a folder may hold providers: TF_PLUGIN_MIRROR, Terraform's own places, or one folder below those.
PLACES = (
    "~/.terraform.d/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt",
    "/usr/local/share",
)
PATIENCE_S = 600


@dataclass(frozen=True)
class Terraform:
    """A folder of the copy.

    Args:
        folder: where Terraform runs.
        environment: more variables for it.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, to its end."""
        # Whatever somebody has configured for Terraform is not what is tested.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        environment = clean | {"TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1", **self.environment}
        command = ["terraform", arguments[0], "-no-color", *arguments[1:]]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def succeed(self, *arguments: str) -> str:
        """What a command says, which must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def initialise(self, *options: str) -> None:
        """Gets the provider; the test is skipped where there is none to be had."""
        mirror = plugin_mirror()
        where = [f"-plugin-dir={mirror}"] if mirror else []
        done = self.run("init", "-input=false", *where, *options)
        if done.returncode != 0 and ("provider" in done.stderr and "registry" in done.stderr):
            pytest.skip("no AWS provider 5.100 or newer in TF_PLUGIN_MIRROR, and the registry cannot be reached")
        assert done.returncode == 0, done.stdout + done.stderr


def copy_of_terraform(folder: Path) -> Path:
    """The Terraform code in a folder of its own; the test is skipped where there is no Terraform."""
    if shutil.which("terraform") is None:
        pytest.skip("no terraform on PATH; developer.hashicorp.com/terraform/install says how to get it")
    leftovers = shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars", "backend.hcl")
    return shutil.copytree(SOURCE, folder / "terraform", ignore=leftovers)


def plugin_mirror() -> Path | None:
    """A folder that holds providers as `terraform providers mirror` writes them."""
    named = os.environ.get("TF_PLUGIN_MIRROR")
    if named:
        return Path(named)
    places = [Path(place).expanduser() for place in PLACES]
    found = (folder for place in places for folder in (place, *sorted(place.glob("*"))))
    return next((folder for folder in found if (folder / "registry.terraform.io/hashicorp/aws").is_dir()), None)
