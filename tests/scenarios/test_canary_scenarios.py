"""Each scenario of scripts/canary-demo ends as it should: real HAProxy, real services, the real command line."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from support.demo_bundle import write_demo_bundle

from churn.businesses import find_contract
from churn.errors import ChurnError
from demo.machine import Machine, wait_until
from demo.monitors import run_monitors
from demo.pair import Pair
from demo.scenarios import SCENARIOS, Scenario, play
from demo.traffic import Traffic

pytestmark = pytest.mark.xdist_group("scenarios")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin") is None:
        pytest.skip("no haproxy on PATH; on Debian: apt-get install haproxy")
    bundles = tmp_path_factory.mktemp("bundles")
    pair = Pair(find_contract("streamflow"), bundles / "v2.3.1", bundles / "v2.4.0")
    for bundle in (pair.stable, pair.canary):
        write_demo_bundle(bundle, bundle.name, draws=4000, trees=40)
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PREDICTION_LOG", str(bundles / "real"))
            with Machine(pair, tmp_path_factory.mktemp("machine")) as machine:
                yield machine
    except ChurnError as error:
        raise AssertionError(error.message) from error


@pytest.fixture(scope="module")
def traffic(machine: Machine) -> Iterator[Traffic]:
    with Traffic(machine.service, machine.pair) as traffic:
        yield traffic


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_rollout_ends_as_it_should(scenario: Scenario, machine: Machine, traffic: Traffic, tmp_path: Path) -> None:
    result = play(scenario, machine, traffic, tmp_path)
    assert result.is_expected(scenario), result
    if scenario.name == "good":
        assert result.moved_back == 0
        assert result.failed == 0


def test_no_prediction_of_a_demonstration_comes_into_the_real_log(machine: Machine, traffic: Traffic) -> None:
    traffic.begin(flowing=True)
    wait_until(lambda: traffic.answered[200] > 20, "subscribers open their page", {})
    assert not (machine.pair.stable.parent / "real").exists()


def test_dashboard_and_prometheus_show_what_is_played(machine: Machine, traffic: Traffic, tmp_path: Path) -> None:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    home = tmp_path / "home"
    home.mkdir()
    with run_monitors(machine, home, tmp_path) as addresses:
        for name in ("failing", "canary dies"):  # one after the other in one home
            assert play(known[name], machine, traffic, home).is_expected(known[name])
        page = httpx2.get(addresses["dashboard"], trust_env=False).text
        assert page.count("rolled back") >= 2
        if "Prometheus" in addresses:
            asked = {"query": "sum by (track) (churn_predictions_total)"}
            answer = httpx2.get(f"{addresses['Prometheus']}/api/v1/query", params=asked, trust_env=False).json()
            assert "stable" in {series["metric"]["track"] for series in answer["data"]["result"]}
