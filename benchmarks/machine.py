"""What a run was measured on, read when it runs."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = (
    "fastapi",
    "uvicorn",
    "pydantic",
    "numpy",
    "pandas",
    "xgboost-cpu",
    "shap",
    "woodelf-explainer",
    "mlflow",
    "bentoml",
)


def machine(libraries: Iterable[str] = LIBRARIES) -> dict[str, Any]:
    """CPU, load, Python and libraries."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "wrk": wrk_version(),
        "libraries": {name: version(name) for name in libraries},
    }


def cpu_model() -> str:
    """As the kernel names it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def wrk_version() -> str:
    """As wrk says it, with the exit code of a refusal."""
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return said.partition("[")[0].replace("wrk", "").strip()
