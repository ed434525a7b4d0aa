"""Counts by way of a real Prometheus are those of the instances."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.exposing import Service, exposing
from support.processes import free_port, wait_until

from churn.errors import RolloutError
from churn.rollout.routers.router import Track
from churn.rollout.sources import Instances, Prometheus
from churn.rollout.state import Bundle

SELECTORS: Mapping[Track, str] = {"stable": 'track="stable"', "canary": 'track="canary"'}


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, list[str]]) -> Iterator[str]:
    """One that scrapes every half a second: its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus on PATH; on Debian: apt-get install prometheus")
    static = [
        {"targets": [each.removeprefix("http://") for each in addresses], "labels": {"track": track}}
        for track, addresses in targets.items()
    ]
    configuration = {
        "scrape_configs": [
            {"job_name": "service", "scrape_interval": "500ms", "scrape_timeout": "400ms", "static_configs": static}
        ]
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is YAML
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def test_prometheus_says_what_the_instances_say_and_which_of_them_is_away(tmp_path: Path) -> None:
    service = Service("v2")
    service.answers(0.72, "high", times=3)
    service.answers(0.05, "low")
    away = f"127.0.0.1:{free_port()}"
    with exposing(Service("v1")) as stable, exposing(service) as canary:
        service.requests.labels("/predict", "5xx").inc(2)
        targets = {"stable": [stable.address], "canary": [canary.address, f"http://{away}"]}
        expected = Instances(lambda: {"stable": [stable.address], "canary": [canary.address]}).read()["canary"]
        with prometheus(tmp_path, targets) as address:
            source = Prometheus(address, SELECTORS)

            def scraped() -> bool:
                try:
                    return bool(source.read()["canary"].counts) and bool(source.read()["canary"].missing)
                except RolloutError:
                    return False

            wait_until(scraped, "Prometheus has scraped both")
            reading = source.read()["canary"]
            assert list(reading.counts.values()) == list(expected.counts.values())
            assert [*reading.served.values()] == [Bundle("v2", "sum-of-v2", "the contract's")]
            assert reading.missing == (away,)
            assert 0 <= reading.age_s < 10
            with pytest.raises(RolloutError, match="Prometheus refuses"):
                Prometheus(address, {**SELECTORS, "canary": "nonsense"}).read()


def test_a_prometheus_that_does_not_answer_is_named() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RolloutError, match=f"Prometheus does not answer at {address}"):
        Prometheus(address, SELECTORS).read()
