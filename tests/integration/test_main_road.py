"""The main road, gone as a user goes it: two commands, two versions, two businesses."""

import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.examples import STREAMFLOW
from support.in_process import as_in_a_batch
from support.processes import churn, serving, succeed

from churn.businesses import find_contract
from churn.training.data import read_training_data

pytestmark = pytest.mark.xdist_group("road")

# The two worked examples of the interface's description.
NEWCOMER = STREAMFLOW.example()
VETERAN = {
    "tenure": 72,
    "monthly_charges": 29.95,
    "total_charges": 2156.40,
    "contract_type": "two-year",
    "payment_method": "bank_transfer",
    "num_support_tickets": 0,
    "internet_service": "dsl",
    "streaming_services": 1,
    "paperless_billing": False,
    "senior_citizen": False,
}


def predict(address: str, subscriber: dict[str, Any]) -> dict[str, Any]:
    response = httpx2.post(f"{address}/predict", json=subscriber, trust_env=False)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def versions(home: Path, contract: str = "streamflow") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(succeed(home, "models", "--contract", contract, "--json"))["versions"]
    return found


def run_files(home: Path) -> dict[str, Path]:
    """Every artifact of the home's runs by its path within the run, the newest run's last."""
    runs = sorted((home / "mlflow" / "artifacts").glob("*/artifacts"), key=lambda path: path.stat().st_mtime)
    return {str(file.relative_to(run)): file for run in runs for file in run.rglob("*.*")}


def test_the_first_start_says_each_step_and_how_to_go_on(home: Path) -> None:
    said = (home.parent / "said.txt").read_text()
    for step in ("step 1 of 4", "step 2 of 4", "step 3 of 4", "step 4 of 4", "v2.3.1 is served at http://127.0.0.1:"):
        assert step in said


def test_a_second_start_reuses_everything_and_its_curl_line_answers_when_pasted(home: Path) -> None:
    with serving(home, "start") as (address, said):
        assert "reusing the bundle" in said
        assert "step" not in said
        line = re.search(r"^  (curl .*)$", said, re.MULTILINE)
        assert line is not None
        pasted = subprocess.run(["bash", "-c", line[1]], capture_output=True, text=True, check=True)
        assert as_in_a_batch(json.loads(pasted.stdout)) == as_in_a_batch(predict(address, NEWCOMER))


def test_the_worked_examples_come_out_as_described(home: Path) -> None:
    with serving(home, "serve") as (address, _):
        newcomer, veteran = predict(address, NEWCOMER), predict(address, VETERAN)
    assert newcomer.keys() == {
        "churn_probability",
        "risk_tier",
        "top_reasons",
        "model_version",
        "show_retention_banner",
        "prediction_id",
        "retention",
    }
    assert newcomer["churn_probability"] > 0.6
    assert (newcomer["risk_tier"], newcomer["show_retention_banner"]) == ("high", True)
    reasons = {reason["feature"]: reason["direction"] for reason in newcomer["top_reasons"]}
    assert reasons.keys() >= {"contract_type", "tenure"}
    assert set(reasons.values()) == {"increases_risk"}
    assert veteran["churn_probability"] < 0.6
    assert veteran["show_retention_banner"] is False
    assert [reason["code"] for reason in newcomer["retention"]["reasons"]] == [
        "contract_type.month-to-month",
        "tenure.short",
        "num_support_tickets.many",
    ]
    assert newcomer["retention"]["offer"]["answers"] == "num_support_tickets.many"
    assert veteran["retention"] is None
    assert newcomer["model_version"] == veteran["model_version"] == "v2.3.1"


def test_the_first_version_lands_at_its_figures(home: Path) -> None:
    first = versions(home)[-1]
    assert first["model_version"] == "v2.3.1"
    assert first["training_data_version"] == "streamflow-v3-2024-03"
    assert first["test_auc"] == pytest.approx(0.8834, abs=0.004)
    assert first["test_f1"] == pytest.approx(0.78, abs=0.015)


def test_contract_tenure_and_price_are_the_strongest_drivers(home: Path) -> None:
    strengths = json.loads(run_files(home)["mean_abs_shap.json"].read_text())["mean"]
    assert list(strengths)[:3] == ["contract_type", "tenure", "monthly_charges"]


def test_the_run_keeps_plots_tables_environment_and_data_hash(home: Path) -> None:
    files = run_files(home)
    for name in ("calibration", "confusion", "shap_bar", "shap_summary", "candidates"):
        assert files[f"plots/{name}.png"].read_bytes().startswith(b"\x89PNG")
    assert {candidate["name"] for candidate in json.loads(files["candidates.json"].read_text())} >= {
        "logistic regression",
        "random forest",
        "XGBoost",
    }
    assert "xgboost-cpu==" in files["environment.txt"].read_text()
    evaluation = json.loads(files["evaluation.json"].read_text())
    assert evaluation["auc_low"] < evaluation["auc"] < evaluation["auc_high"]


def test_neither_run_nor_bundle_holds_the_row_of_a_person(home: Path) -> None:
    kept = {name for name in run_files(home) if name.startswith("export/")}
    assert kept == {
        "export/reference.json",
        "export/reference_values.json",
        "export/measured.json",
        "export/threshold_curve.json",
    }
    data = read_training_data(STREAMFLOW, home / "data" / "streamflow-v3-2024-03.csv")
    golden = json.loads((home / "bundles" / "streamflow" / "v2.3.1" / "golden.json").read_text())
    assert len(golden["rows"]) == 64
    assert set(map(tuple, golden["rows"])).isdisjoint(map(tuple, data.rows.tolist()))


def test_an_interrupted_start_goes_on_where_it_stopped(home: Path) -> None:
    (home / "bundles" / "streamflow" / "champion").unlink()
    before = len(versions(home))
    with serving(home, "start") as (_, said):
        assert "step 4 of 4" in said
        assert "comparing" not in said
    assert len(versions(home)) == before


def test_the_second_version_lands_at_its_figure_and_takes_over_as_champion(home: Path) -> None:
    data = succeed(home, "data", "demo", "--version", "streamflow-v4-2024-06").strip()
    succeed(home, "train", data)
    assert "is champion" in succeed(home, "promote", "v2.4.0")
    succeed(home, "export", "models:/streamflow-churn-predictor@champion")
    second = versions(home)[0]
    assert (second["model_version"], second["aliases"]) == ("v2.4.0", ["champion"])
    assert second["test_auc"] == pytest.approx(0.8891, abs=0.004)
    with serving(home, "serve") as (address, _):
        assert predict(address, NEWCOMER)["model_version"] == "v2.4.0"
        assert predict(address, NEWCOMER)["risk_tier"] == "high"
    with serving(home, "serve", MODEL_PATH=home / "bundles" / "streamflow" / "v2.3.1") as (address, _):
        assert predict(address, NEWCOMER)["model_version"] == "v2.3.1"


def test_the_public_telco_file_goes_the_same_road(home: Path, telco_csv: Path) -> None:
    environment = {"CHURN_CONTRACT": "telco"}
    succeed(home, "train", telco_csv, **environment)
    assert versions(home, "telco")[0]["test_auc"] >= 0.83
    succeed(home, "promote", "v1", **environment)
    table = json.loads(succeed(home, "threshold", "v1", "--share", "0.05", "--set", "--json", **environment))
    [chosen] = [row for row in table["thresholds"] if row["note"] == "chosen"]
    assert 0.04 < chosen["banner_share"] <= 0.05
    assert table["present"] == 0.6 < table["chosen"] == chosen["threshold"]
    succeed(home, "export", "models:/telco-churn-predictor@champion", **environment)
    with serving(home, "serve", **environment) as (address, _):
        answer = predict(address, find_contract("telco").example())
        health = httpx2.get(f"{address}/health", trust_env=False).json()
    assert (health["threshold"], health["threshold_from"]) == (table["chosen"], "bundle")
    valued = json.loads(succeed(home, "threshold", "v1", "--by-value", telco_csv, "--json", **environment))
    assert valued["present_from"] == "version"
    assert max(row["net_dollars"] for row in valued["thresholds"]) == next(
        row["net_dollars"] for row in valued["thresholds"] if "chosen" in row["note"]
    )
    assert answer["risk_tier"] == "high"
    assert {reason["feature"] for reason in answer["top_reasons"]} <= set(find_contract("telco").feature_names())


def test_a_port_in_use_is_one_clear_sentence(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = churn(home, "serve", PORT=taken.getsockname()[1])
    assert done.code == 2
    assert "the service cannot listen on 127.0.0.1 port" in done.err
    assert "Traceback" not in done.err


def test_a_model_version_that_is_not_the_bundles_is_refused(home: Path) -> None:
    done = churn(home, "serve", MODEL_VERSION="v9")
    assert done.code == 2
    assert "MODEL_VERSION asks for v9" in done.err


def test_a_damaged_bundle_is_refused_with_an_exit_code_of_its_own(home: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    subprocess.run(["cp", "-r", home / "bundles" / "streamflow" / "v2.3.1", damaged], check=True)
    with (damaged / "model.ubj").open("ab") as file:
        file.write(b" ")
    done = churn(home, "serve", MODEL_PATH=damaged)
    assert done.code == 4
    assert "model.ubj was changed after the export" in done.err
