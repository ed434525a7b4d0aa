"""Hostile answers of an MLflow server: to the registry's own class, and to the commands that ask it."""

import io
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import mlflow
import numpy as np
import xgboost

from benchmarks import models
from benchmarks.attack.hostile_stores import (
    PATIENCE_S,
    Answer,
    Operations,
    Request,
    attack_operations,
    environment,
    running,
)
from benchmarks.attack.summary import Summary
from churn.businesses import find_contract
from churn.contract.sampling import draw_columns
from churn.errors import ExitCode
from churn.files import encode_json
from churn.model.reference import measure_reference
from churn.training.kept import HOLDOUT_FILE, REFERENCE_FILE, read_holdout
from churn.training.registry import Registry, build_signature
from churn.training.versions import VersionInfo, name_registered_model

CONTRACT = find_contract(models.CONTRACT)
NAME = name_registered_model(CONTRACT)
LIMIT_S = 300.0
MOST_MB = 1500
OPERATIONS_FOR_A_COMMAND = 50
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
# Retries at once: what is tried is the answers, not the waiting between them.
HASTY = {"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0", "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0"}
COMMANDS = (("models",), ("export", f"models:/{NAME}@champion"), ("promote", "v2"))
PROMISED = {ExitCode.DONE, ExitCode.REGISTRY_TROUBLE, ExitCode.UNUSABLE_BUNDLE, ExitCode.REFUSED, ExitCode.WRONG_USE}


def attack(count: int, seed: int, home: Path) -> Summary:
    """Have MLflow answer wrongly to so many calls, and to some commands."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    files = _save_model(home / "model")
    with running(chance, _make_answer(files)) as store, environment(**HASTY, MLFLOW_TRACKING_URI=store.address):
        registry = Registry(home, store.address)
        faults, figures = attack_operations(store, _list_operations(registry), count, chance, limit_s=LIMIT_S)
        commands = max(2, int(figures["tried"]) // OPERATIONS_FOR_A_COMMAND)
        for _ in range(commands):
            command, wrong = chance.choice(COMMANDS), store.attack_next()
            if fault := _run_command(command, home):
                faults[f"{fault}; {wrong}"] += 1
        store.relent()
    if figures["largest_process_mb"] > MOST_MB:
        faults[f"this process took {figures['largest_process_mb']} MB"] += 1
    tried = int(figures.pop("tried")) + commands
    return Summary("registry", tried, tuple(f"{fault} (seed {seed})" for fault in faults)[:10], figures)


def _list_operations(registry: Registry) -> Operations:
    info = VersionInfo(NAME, 1, "r1", ("champion",), {"model_version": "v2"}, {})
    return {
        "list versions": lambda: registry.list_versions(NAME),
        "find by alias": lambda: registry.find(f"models:/{NAME}@champion"),
        "find by number": lambda: registry.find(f"models:/{NAME}/1"),
        "find the champion": lambda: registry.find_champion(NAME),
        "promote": lambda: registry.promote(info, {"rollout": "1"}),
        "fetch": lambda: read_holdout(registry.fetch(info)),
    }


def _run_command(command: tuple[str, ...], home: Path) -> str:
    """Run a command in a home of its own. Return what it broke; empty if nothing."""
    with tempfile.TemporaryDirectory(dir=home) as own, environment(CHURN_HOME=own):
        try:
            done = subprocess.run(
                [sys.executable, "-m", "churn", *command],
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            return f"churn {command[0]}: not over in {PATIENCE_S:.0f} s"
    if done.returncode in PROMISED and "Traceback" not in done.stderr:
        return ""
    return f"churn {command[0]}: exit code {done.returncode}, {done.stderr[-200:]}"


def _save_model(folder: Path) -> dict[str, bytes]:
    """Train a small model. Return the files of it and of its run that MLflow would keep."""
    generator = np.random.default_rng(0)
    rows, labels = generator.random((200, len(CONTRACT.features))), generator.integers(0, 2, 200)
    data = xgboost.DMatrix(rows, labels, feature_names=CONTRACT.feature_names())
    booster = xgboost.train({"max_depth": 2, "objective": "binary:logistic"}, data, num_boost_round=3)
    mlflow.xgboost.save_model(booster, folder, signature=build_signature(CONTRACT), pip_requirements=["xgboost"])
    holdout = io.BytesIO()
    np.savez(holdout, rows=rows.astype(np.float32), labels=labels.astype(np.int8))
    reference = measure_reference(CONTRACT, CONTRACT.encode_columns(draw_columns(CONTRACT, generator, 50)), np.ones(50))
    kept = {HOLDOUT_FILE: holdout.getvalue(), REFERENCE_FILE: encode_json(reference)}
    return {f"model/{file.name}": file.read_bytes() for file in folder.iterdir()} | {
        f"run/export/{name}": content for name, content in kept.items()
    }


def _make_answer(files: dict[str, bytes]) -> Answer:
    """Return what answers as an MLflow server with one version of one model."""
    tags = [{"key": "model_version", "value": "v2"}, {"key": "contract", "value": CONTRACT.contract_name}]
    version = {
        "name": NAME,
        "version": "1",
        "run_id": "r1",
        "status": "READY",
        "source": "mlflow-artifacts:/model",
        "aliases": ["champion"],
        "tags": tags,
        "creation_timestamp": 1,
        "last_updated_timestamp": 1,
    }
    run = {
        "info": {"run_id": "r1", "run_uuid": "r1", "experiment_id": "1", "artifact_uri": "mlflow-artifacts:/run"},
        "data": {"metrics": [{"key": "test_auc", "value": 0.8, "timestamp": 1, "step": 0}], "params": [], "tags": tags},
    }
    answers: dict[str, object] = {
        "model-versions/search": {"model_versions": [version]},
        "model-versions/get": {"model_version": version},
        "model-versions/get-download-uri": {"artifact_uri": "mlflow-artifacts:/model"},
        "runs/get": {"run": run},
    }

    def answer(request: Request) -> bytes:
        url = urlsplit(request.path)
        if url.path.startswith(f"{ARTIFACTS}/"):
            return files.get(url.path.removeprefix(f"{ARTIFACTS}/"), b"")
        if url.path == ARTIFACTS:
            folder = parse_qs(url.query)["path"][0]
            inside = {name: content for name, content in files.items() if name.startswith(f"{folder}/")}
            listed = [
                {"path": name.removeprefix(f"{folder}/"), "is_dir": False, "file_size": len(content)}
                for name, content in inside.items()
            ]
            return json.dumps({"files": listed}).encode()
        route = url.path.partition("/mlflow/")[2]
        if route == "registered-models/alias":
            return json.dumps({"model_version": version} if request.method == "GET" else {}).encode()
        return json.dumps(answers.get(route, {})).encode()

    return answer
