"""The manifests for Kubernetes ask what the judge answers, and read fields that it has."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
import yaml  # type: ignore[import-untyped]
from support.in_process import InProcess
from support.verdicts import watching

from churn.verdicts.app import create_app
from churn.verdicts.questions import HOOKS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "kubernetes.md"
TOKEN = "x" * 32
DECISIONS = {"promote", "roll back", "hold"}


def manifests() -> dict[str, Any]:
    """Each manifest of the page, by its kind."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return {manifest["kind"]: manifest for manifest in map(yaml.safe_load, blocks)}


def test_each_manifest_has_what_every_object_has() -> None:
    assert set(manifests()) == {"AnalysisTemplate", "Rollout", "Canary"}
    for manifest in manifests().values():
        assert manifest["apiVersion"] in {"argoproj.io/v1alpha1", "flagger.app/v1beta1"}
        assert manifest["metadata"]["name"]
        assert manifest["spec"]


def test_argos_metric_reads_the_verdict_and_every_step_names_the_weight_it_set() -> None:
    [metric] = manifests()["AnalysisTemplate"]["spec"]["metrics"]
    web = metric["provider"]["web"]
    given = {"revision": "7d9f", "weight": "10", "token": TOKEN}

    def fill(text: str) -> str:
        return re.sub(r"\{\{ args\.(\w+) \}\}", lambda found: given[found[1]], text)

    with watching() as watched, InProcess(create_app(watched.analyst, TOKEN, structlog.get_logger())) as app:
        url = urlsplit(fill(web["url"]))
        headers = {header["key"]: fill(header["value"]) for header in web["headers"]}
        answer = app.get(f"{url.path}?{url.query}", headers=headers)
    assert answer.status_code == 200
    [field] = re.findall(r"^\{\$\.(\w+)\}$", web["jsonPath"])
    assert answer.json()[field] == "hold"
    conditions = [metric["successCondition"], metric["failureCondition"]]
    assert conditions == ['result == "promote"', 'result == "roll back"']
    assert (metric["failureLimit"], metric["consecutiveSuccessLimit"], "count" in metric) == (0, 1, False)
    steps = manifests()["Rollout"]["spec"]["strategy"]["canary"]["steps"]
    for before, step in pairwise(steps):
        if "analysis" in step:
            [template] = step["analysis"]["templates"]
            arguments = {argument["name"]: argument for argument in step["analysis"]["args"]}
            assert template["templateName"] == manifests()["AnalysisTemplate"]["metadata"]["name"]
            assert arguments["weight"]["value"] == str(before["setWeight"])
            assert set(arguments) | {"token"} == {
                argument["name"] for argument in manifests()["AnalysisTemplate"]["spec"]["args"]
            }


@pytest.mark.parametrize("webhook", manifests()["Canary"]["spec"]["analysis"]["webhooks"], ids=lambda own: own["type"])
def test_each_webhook_of_flagger_is_one_that_the_judge_answers(webhook: dict[str, Any]) -> None:
    manifest = manifests()["Canary"]
    payload = {
        **{name: manifest["metadata"][name] for name in ("name", "namespace")},
        "phase": "Progressing",
        "checksum": "85d557f47b",
        "metadata": webhook["metadata"] | {"token": TOKEN},
    }
    with watching() as watched, InProcess(create_app(watched.analyst, TOKEN, structlog.get_logger())) as app:
        path = urlsplit(webhook["url"]).path
        answer = app.request("POST", path, content=json.dumps(payload))
    assert path == f"/flagger/{webhook['type']}"
    assert webhook["type"] in HOOKS
    assert (answer.status_code, answer.text) == (
        200 if webhook["type"] == "rollout" else 409,
        "hold: the analysis has just begun",
    )
    assert webhook["metadata"]["weight"] == str(manifest["spec"]["analysis"]["stepWeights"][0])


def test_the_page_names_every_field_of_an_answer() -> None:
    with watching() as watched, InProcess(create_app(watched.analyst, TOKEN, structlog.get_logger())) as app:
        answer = app.get("/verdict?analysis=a", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    [example] = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert set(json.loads(example)) == set(answer)
    assert json.loads(example)["verdict"] in DECISIONS
