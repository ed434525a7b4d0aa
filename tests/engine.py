"""The Docker engine that a machine may have, and the service's image on it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from processes import succeed

from churn.bundle import load_bundle

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
HARDENED = (
    *("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--pids-limit=128", "--memory=2g", "--cpus=1"),
)


def engine_answers() -> bool:
    """Whether there is a Docker engine."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def docker(*arguments: str) -> str:
    """What a command of Docker prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def build_service(bundle: Path, home: Path) -> str:
    """Builds the image that serves a bundle; its name."""
    trusted: list[str | Path] = ["--ca-file", CERTIFICATES] if CERTIFICATES.exists() else []
    succeed(home, "image", "build", bundle, "--network", "host", *trusted)
    return f"streamflow-churn-api:{load_bundle(bundle).manifest.model_version}"
