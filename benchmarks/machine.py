"""Describe what a run is measured on."""

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
    "shapiq",
    "woodelf-explainer",
    "mlflow",
    "bentoml",
)


def describe_machine(libraries: Iterable[str] = LIBRARIES, tool: str | None = "wrk") -> dict[str, Any]:
    """Return CPU, load, Python, the tool that measures, if any, and libraries."""
    return {
        "cpu": read_cpu_model(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **({tool: ask_version(tool)} if tool else {}),
        "libraries": {name: version(name) for name in libraries},
    }


def read_cpu_model() -> str:
    """Return the name that the kernel gives it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def ask_version(tool: str) -> str:
    """Return what a tool says of itself; wrk says it with the exit code of a refusal."""
    output = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    return output.partition("[")[0].replace(tool, "").strip(" -\n")
