"""A small trained model of StreamFlow's contract."""

import pytest

from churn.model.bundle import Bundle


@pytest.fixture
def streamflow(bundles: dict[str, Bundle]) -> Bundle:
    return bundles["streamflow"]
