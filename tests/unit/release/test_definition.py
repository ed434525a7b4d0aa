"""A task definition with another image."""

from typing import Any

import pytest

from churn.errors import ReleaseError
from churn.release.aws import ADDED_BY_AWS, Login, clean_tag_value, replace_image

BEFORE: dict[str, Any] = {
    **dict.fromkeys(ADDED_BY_AWS, "AWS's"),
    "family": "canary",
    "cpu": "1024",
    "containerDefinitions": [
        {"name": "service", "image": "old", "environment": [{"name": "DRAIN_SECONDS", "value": "5"}], "user": "10001"},
        {"name": "sidecar", "image": "other", "essential": False},
    ],
}


def test_only_the_image_and_the_version_of_the_serving_container_change() -> None:
    after = replace_image(BEFORE, "new@sha256:1", "v2")
    assert after["containerDefinitions"] == [
        {
            "name": "service",
            "image": "new@sha256:1",
            "environment": [{"name": "DRAIN_SECONDS", "value": "5"}, {"name": "MODEL_VERSION", "value": "v2"}],
            "user": "10001",
        },
        {"name": "sidecar", "image": "other", "essential": False},
    ]
    assert after.keys() == {"family", "cpu", "containerDefinitions"}
    assert BEFORE["containerDefinitions"][0]["image"] == "old"


def test_a_second_release_replaces_the_version_of_the_first() -> None:
    twice = replace_image(replace_image(BEFORE, "a", "v1"), "b", "v2")
    assert twice == replace_image(BEFORE, "b", "v2")


@pytest.mark.parametrize("essential", [0, 2])
def test_it_must_be_clear_which_container_serves(essential: int) -> None:
    containers = [{"name": f"c{at}", "image": "i", "essential": at < essential} for at in range(3)]
    with pytest.raises(ReleaseError, match=f"has {essential} essential containers"):
        replace_image(BEFORE | {"containerDefinitions": containers}, "new", "v2")


def test_a_reason_becomes_a_tag_that_aws_takes() -> None:
    assert clean_tag_value("fix: 50 % of «x», now!") == "fix: 50   of  x   now "
    assert len(clean_tag_value("a" * 1000)) == 256


def test_a_login_does_not_show_its_password() -> None:
    assert "secret" not in repr(Login("server", "AWS", "secret"))
