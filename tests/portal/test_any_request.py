"""Whatever is sent to the portal, it is never the portal that fails."""

from typing import Any

import pytest
import schemathesis
from hypothesis import given
from support.any_request import bounded, forms, list_posts, promises
from support.visiting import Portal


@pytest.fixture
def promised(portal: Portal) -> Any:
    return promises(portal.app)


@schemathesis.pytest.from_fixture("promised").parametrize()
@bounded
def test_any_path_and_query_gets_an_answer(case: Any) -> None:
    assert case.call().status_code != 500


@given(form=forms)
@bounded
def test_any_form_gets_an_answer(portal: Portal, form: tuple[str, bytes]) -> None:
    kind, body = form
    for path in list_posts(portal.app):
        assert portal.visitor().request("POST", path, content=body, headers={"content-type": kind}).status_code != 500
