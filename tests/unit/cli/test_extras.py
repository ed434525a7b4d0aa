"""What is said when an extra is missing."""

import pytest

from churn.cli.extras import require_extra
from churn.errors import ChurnError


def test_a_missing_extra_is_named_with_what_to_install() -> None:
    with pytest.raises(ChurnError, match="needs the extra `ray`; missing here: no_such_module") as caught:
        require_extra("ray", "json", "no_such_module")
    assert "streamflow-churn[ray]" in caught.value.instead


def test_an_extra_that_is_there_is_not_mentioned() -> None:
    require_extra("ray", "json")
