"""The six servers that are compared: their commands, and the form of their requests and answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKERS = 2
OURS, FIRST, FLOOR, BARE = "ours", "first", "floor", "bare"


@dataclass(frozen=True, slots=True)
class Files:
    """One model in each form that a server takes.

    Args:
        bundle: the bundle's directory, for our own service.
        trees: the model in XGBoost's own format.
        mlflow: the folder of the MLflow model.
    """

    bundle: Path
    trees: Path
    mlflow: Path


@dataclass(frozen=True, slots=True)
class System:
    """A server that answers the same question as the others.

    Args:
        name: as `--only` takes it.
        label: as the report shows it.
        command: (model, port) -> the command.
        path: where it takes predictions.
        wrap: a subscriber -> the body of a request.
        unwrap: the body of its response -> the answer.
    """

    name: str
    label: str
    command: Callable[[Files, int], list[str]]
    path: str = "/predict"
    wrap: Callable[[dict[str, Any]], Any] = lambda subscriber: subscriber
    unwrap: Callable[[Any], Any] = lambda answer: answer


def find_program(name: str) -> str:
    """Return the path of a program in the environment that this runs in."""
    return str(Path(sys.executable).parent / name)


def build_uvicorn_command(app: str, port: int, *options: str) -> list[str]:
    """Return the command of plain uvicorn, without the access log, which the others do not write either."""
    return [find_program("uvicorn"), app, "--port", str(port), "--workers", str(WORKERS), "--no-access-log", *options]


SYSTEMS = (
    System(
        FIRST,
        "(a) first version",
        lambda _, port: build_uvicorn_command("benchmarks.systems.first_version:app", port),
    ),
    System(
        "contribs",
        "(b) FastAPI + pred_contribs",
        lambda _, port: build_uvicorn_command("benchmarks.systems.pred_contribs:make_app", port, "--factory"),
    ),
    System(OURS, "(c) churn serve", lambda _, __: [find_program("churn"), "serve"]),
    System(FLOOR, "(d) floor", lambda _, port: build_uvicorn_command("benchmarks.systems.floor:app", port)),
    System(
        "mlflow",
        "(e) MLflow",
        lambda files, port: [
            *[find_program("mlflow"), "models", "serve", "--model-uri", str(files.mlflow), "--env-manager", "local"],
            *["--port", str(port), "--workers", str(WORKERS)],
        ],
        path="/invocations",
        wrap=lambda subscriber: {"dataframe_records": [subscriber]},
        unwrap=lambda answer: answer["predictions"][0],
    ),
    System(
        "bentoml",
        "(f) BentoML",
        lambda _, port: [find_program("bentoml"), "serve", "benchmarks.systems.bento:Churn", "--port", str(port)],
    ),
)
