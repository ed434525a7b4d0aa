"""A portal beside a fake service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fake_service import FakeService, fake_service
from support.visiting import Portal


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_service() as running:
        yield running


@pytest.fixture
def portal(service: FakeService, tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path, service.address, service_budget_ms=5000) as made:
        yield made
