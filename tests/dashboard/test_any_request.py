"""Whatever is sent to the dashboard, it is never the dashboard that fails."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from support.any_request import bounded, forms, list_posts, promises
from support.watching import TOKEN, Dashboard, Open


@pytest.fixture
def opened(dashboard: Open, own_home: Path) -> Dashboard:
    return dashboard(own_home, token=TOKEN)


@pytest.fixture
def promised(opened: Dashboard) -> Any:
    return promises(opened.app)


@schemathesis.pytest.from_fixture("promised").parametrize()
@bounded
def test_any_path_and_query_gets_an_answer(case: Any) -> None:
    assert case.call().status_code != 500


@given(form=forms)
@bounded
def test_any_form_gets_an_answer(opened: Dashboard, form: tuple[str, bytes]) -> None:
    kind, body = form
    for path in list_posts(opened.app):
        assert opened.request("POST", path, content=body, headers={"content-type": kind}).status_code != 500
