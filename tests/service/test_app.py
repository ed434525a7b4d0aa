"""What the service starts with, and what it refuses to start with."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess

from churn.errors import BundleError, SettingsError
from churn.model.bundle import Bundle
from churn.service.app import create_app
from churn.settings import Settings


def test_the_environment_says_what_is_served(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_PATH", str(bundle.path))
    monkeypatch.setenv("MODEL_VERSION", bundle.manifest.model_version)
    monkeypatch.setenv("CHURN_THRESHOLD", "0")
    with InProcess(create_app()) as client:
        answer = client.predict(bundle.model.contract.example()).json()
    assert answer["model_version"] == bundle.manifest.model_version
    assert answer["show_retention_banner"] is True


def test_an_app_answers_as_soon_as_it_is_made(bundle: Bundle) -> None:
    with InProcess(create_app(Settings(), bundle=bundle)) as client:  # which starts no lifespan
        assert client.get("/health").status_code == 200


def test_another_server_may_start_and_stop_the_app(bundle: Bundle) -> None:
    """Ours sends no lifespan events; others do, and would call it broken if it could not take them."""
    told = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    answered: list[str] = []

    async def receive() -> dict[str, Any]:
        return next(told)

    async def send(message: Any) -> None:
        answered.append(message["type"])

    asyncio.run(create_app(Settings(), bundle=bundle)({"type": "lifespan"}, receive, send))
    assert answered == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_another_version_than_the_one_asked_for_is_refused_naming_both(bundle: Bundle) -> None:
    with pytest.raises(SettingsError, match=r"asks for v7\.7\.7, but .* holds v0\.0\.1"):
        create_app(Settings(model_version="v7.7.7"), bundle=bundle)


def test_a_bundle_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle at"):
        create_app(Settings(model_path=tmp_path / "none"))


def test_an_unusable_setting_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_THRESHOLD", "1.5")
    with pytest.raises(SettingsError, match="CHURN_THRESHOLD"):
        create_app()


def test_serving_needs_none_of_the_training_libraries(bundle: Bundle) -> None:
    """The serving image does not have them, nor XGBoost: to Python a module that is None is not installed."""
    script = """
import sys
for name in ("lightgbm", "matplotlib", "mlflow", "numba", "optuna", "pandas", "pyarrow", "shap", "sklearn", "skops",
             "xgboost"):
    sys.modules[name] = None
import churn.cli, churn.service.server
from pathlib import Path
from churn.model.bundle import load_bundle
model = load_bundle(Path(sys.argv[1])).model
subscriber = model.contract.model_validate(model.contract.example())
print(model.predict([subscriber])[0].probability)
"""
    done = subprocess.run([sys.executable, "-c", script, bundle.path], capture_output=True, text=True, check=False)
    model = bundle.model
    subscriber = model.contract.model_validate(model.contract.example())
    assert (done.stdout.strip(), done.stderr) == (str(model.predict([subscriber])[0].probability), "")
