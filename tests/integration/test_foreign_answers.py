"""A proxy, or whatever else stands in the place of AWS or MLflow, answers: each time a sentence says so."""

import pytest
from support.broken_servers import always
from support.small_server import http, small_server

from churn.errors import ReleaseError, RolloutError
from churn.release.aws import Aws, read_served_image, replace_image
from churn.rollout.fleets.ecs import Ecs
from churn.rollout.routers.alb import LoadBalancer

ANSWERS = [b"<!DOCTYPE html><title>Sign in</title>", b"{}", b"[" * 50_000, b"\xff\x00"]


@pytest.mark.parametrize("body", ANSWERS, ids=["HTML", "empty", "deep", "no text"])
def test_an_answer_that_is_none_of_aws_is_told_in_a_sentence(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_server(always(http(200, body))) as address:
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        for name, value in (keys | {"AWS_ENDPOINT_URL": address}).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(RolloutError, match="could not"):
            LoadBalancer("arn").read_weight()
        with pytest.raises(RolloutError, match=r"could not|has not one service"):
            Ecs("cluster").find_addresses()
        aws = Aws()
        for asked in (aws.identify_caller, aws.log_in, lambda: aws.find_repository("api")):
            with pytest.raises(ReleaseError, match="could not"):
                asked()


def test_a_task_definition_without_containers_is_told_in_a_sentence() -> None:
    with pytest.raises(ReleaseError, match="containerDefinitions"):
        replace_image({"family": "api"}, "image", "v2")
    with pytest.raises(ReleaseError, match="containerDefinitions"):
        read_served_image({"family": "api"})
