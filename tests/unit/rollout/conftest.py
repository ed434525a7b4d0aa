"""A store of rollouts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.rollout.store import RolloutStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RolloutStore]:
    store = RolloutStore(tmp_path)
    yield store
    store.close()
