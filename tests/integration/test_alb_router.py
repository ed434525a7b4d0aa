"""The router for AWS's load balancer, against a stand-in that lets nearly everything pass; our own checks do not."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.aws_account import Account
from support.aws_stand_in import Aws, aws_stand_in

from churn.errors import RolloutError, SettingsError
from churn.rollout.parts import open_router
from churn.rollout.routers.alb import LoadBalancer
from churn.rollout.routers.router import BASELINE

pytestmark = [
    pytest.mark.xdist_group("moto"),
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("DeprecationWarning", "ResourceWarning")),
]


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with aws_stand_in() as aws:
        yield aws


@pytest.fixture(autouse=True)
def environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (aws.environment | {"AWS_DEFAULT_REGION": aws.environment["AWS_REGION"]}).items():
        monkeypatch.setenv(name, value)


@contextmanager
def opened(**names: str) -> Iterator[Account]:
    account = Account(**names)
    yield account
    account.close()


@pytest.fixture
def account() -> Iterator[Account]:
    with opened() as account:
        yield account


@pytest.fixture
def with_baseline() -> Iterator[Account]:
    """Its canary is up."""
    with opened(baseline="api-base") as account:
        account.register("canary")
        yield account


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


@pytest.mark.parametrize(
    ("percent", "stable", "baseline"), [(0, 100, 0), (10, 80, 10), (50, 0, 50), (75, 0, 25), (100, 0, 0)]
)
def test_a_baseline_gets_as_much_as_the_canary_or_what_is_left(
    with_baseline: Account, percent: int, stable: int, baseline: int
) -> None:
    with_baseline.register("baseline")
    router = open_router(f"alb:{with_baseline.listener}", has_baseline=True)
    router.set_weight(percent)
    assert with_baseline.weights() == {"stable": stable, "canary": percent, "baseline": baseline}
    assert router.read_weight() == percent


def test_a_rollout_without_a_baseline_gives_its_group_nothing(with_baseline: Account) -> None:
    LoadBalancer(with_baseline.listener).set_weight(10)
    assert with_baseline.weights() == {"stable": 90, "canary": 10, "baseline": 0}


def test_while_the_baseline_is_down_stable_has_its_share(with_baseline: Account) -> None:
    router = LoadBalancer(with_baseline.listener, has_baseline=True)
    for act, stable in ((with_baseline.register, 80), (with_baseline.deregister, 90), (with_baseline.register, 80)):
        act("baseline")
        assert router.is_healthy(BASELINE) == (stable == 80)
        router.set_weight(10)
        assert with_baseline.weights() == {"stable": stable, "canary": 10, "baseline": 90 - stable}
        assert router.read_weight() == 10


def test_weights_that_are_right_are_not_written_again(with_baseline: Account, aws: Aws) -> None:
    with_baseline.register("baseline")
    router = LoadBalancer(with_baseline.listener, has_baseline=True)
    router.set_weight(10)
    aws.asked.clear()
    router.set_weight(10)
    assert "elasticloadbalancing:ModifyListener" not in aws.asked


def test_where_the_baselines_group_is_missing_only_the_way_back_is_open(account: Account) -> None:
    account.register("canary")
    router = LoadBalancer(account.listener, has_baseline=True)
    with pytest.raises(RolloutError, match="forwards to no target group of the baseline") as refused:
        router.set_weight(10)
    assert "deploy/terraform" in (refused.value.instead or "")
    with pytest.raises(RolloutError, match="forwards to no target group of the baseline"):
        router.is_healthy(BASELINE)
    assert router.read_weight() == 50
    router.set_weight(0)
    assert account.weights() == {"stable": 100, "canary": 0}


@pytest.mark.parametrize("third", ["api-other", "api-canary-2"])
def test_a_third_group_that_is_no_baseline_is_refused(third: str) -> None:
    with opened(third=third) as account, pytest.raises(RolloutError, match=f"but to .*{third}"):
        LoadBalancer(account.listener).read_weight()
