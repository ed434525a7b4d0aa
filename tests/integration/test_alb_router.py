"""The router for AWS's load balancer, against a stand-in that lets nearly everything pass; our own checks do not."""

from collections.abc import Iterator

import pytest
from support.aws_account import Account
from support.aws_stand_in import aws_stand_in

from churn.errors import RolloutError, SettingsError
from churn.rollout.parts import open_router
from churn.rollout.routers.alb import LoadBalancer

pytestmark = [
    pytest.mark.xdist_group("moto"),
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("DeprecationWarning", "ResourceWarning")),
]


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    with aws_stand_in() as aws:
        yield aws.environment


@pytest.fixture
def account(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in (aws | {"AWS_DEFAULT_REGION": aws["AWS_REGION"]}).items():
        monkeypatch.setenv(name, value)
    account = Account()
    yield account
    account.close()


@pytest.mark.parametrize("percent", [0, 10, 50, 100])
def test_a_weight_is_what_the_listener_then_has(account: Account, percent: int) -> None:
    account.register("canary")
    router = open_router(f"alb:{account.listener}")
    for _ in range(2):
        router.set_weight(percent)
        assert router.read_weight() == percent


def test_equal_weights_are_half_whatever_their_size(account: Account) -> None:
    assert LoadBalancer(account.listener).read_weight() == 50


@pytest.mark.parametrize("percent", [-1, 101])
def test_what_is_no_share_never_reaches_aws(account: Account, percent: int) -> None:
    router = LoadBalancer(account.listener)
    with pytest.raises(SettingsError, match="from 0 to 100"):
        router.set_weight(percent)
    assert router.read_weight() == 50


def test_a_canary_without_a_healthy_target_gets_nothing(account: Account) -> None:
    router = LoadBalancer(account.listener)
    assert (router.is_healthy("stable"), router.is_healthy("canary")) == (True, False)
    with pytest.raises(RolloutError, match="no healthy target"):
        router.set_weight(10)
    assert router.read_weight() == 50
    router.set_weight(0)
    assert router.read_weight() == 0


def test_a_listener_that_forwards_to_others_is_refused(account: Account) -> None:
    arn = account.listen({"Type": "forward", "TargetGroupArn": account.groups["stable"]})
    with pytest.raises(RolloutError, match="does not forward to one target group of stable and one of the canary"):
        LoadBalancer(arn).read_weight()


def test_a_listener_that_does_something_else_is_refused(account: Account) -> None:
    arn = account.listen({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}})
    with pytest.raises(RolloutError, match="does more than forward"):
        LoadBalancer(arn).set_weight(0)


def test_stickiness_that_would_override_the_weight_is_refused(account: Account) -> None:
    forward = {
        "TargetGroups": [{"TargetGroupArn": arn, "Weight": 1} for arn in account.groups.values()],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
    }
    arn = account.listen({"Type": "forward", "ForwardConfig": forward})
    with pytest.raises(RolloutError, match="sticky by a cookie"):
        LoadBalancer(arn).set_weight(10)


def test_a_listener_that_is_not_there_is_told_in_aws_own_words(account: Account) -> None:
    with pytest.raises(RolloutError, match="could not find the listener"):
        LoadBalancer(account.listener[:-4] + "beef").read_weight()
