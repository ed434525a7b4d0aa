"""AWS's application load balancer: the weights of the two target groups that a listener forwards to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from churn.errors import RolloutError
from churn.release.session import aws_client, aws_told
from churn.rollout.routers.router import TRACKS, Track, require_percent, share

HEALTHY = "healthy"
FORWARD = "forward"


class LoadBalancer:
    """One listener, whose default action forwards to two target groups.

    The name of the one must hold `stable`, that of the other `canary`. Account and region come from where AWS's own
    tools take them. It is not sticky by subscriber: it could only be by a cookie, which would override the weights.

    Args:
        listener_arn: of the listener.

    Raises:
        RolloutError: AWS cannot be reached.
    """

    def __init__(self, listener_arn: str) -> None:
        self._listener_arn = listener_arn
        with _told("reach AWS"):
            self._elb = aws_client("elbv2")

    def weight(self) -> float:
        """The canary's share in percent, as the listener has it."""
        groups = self._groups(self._action())
        return share(*(groups[track].get("Weight", 0) for track in TRACKS))

    def set_weight(self, percent: int) -> None:
        """Gives the canary's group that share; what else the listener's action holds stays as it is."""
        require_percent(percent)
        action = self._action()
        groups = self._groups(action)
        if percent and not self._healthy(groups["canary"]):
            raise RolloutError("the canary's target group has no healthy target", instead="start the canary's tasks")
        weights = {"stable": 100 - percent, "canary": percent}
        forward = action["ForwardConfig"] | {
            "TargetGroups": [
                {"TargetGroupArn": groups[track]["TargetGroupArn"], "Weight": weights[track]} for track in TRACKS
            ]
        }
        # The single group of an older form of the action contradicts two of them.
        changed = {name: value for name, value in action.items() if name != "TargetGroupArn"} | {
            "ForwardConfig": forward
        }
        with _told("move the listener's weights"):
            self._elb.modify_listener(ListenerArn=self._listener_arn, DefaultActions=[changed])

    def healthy(self, track: Track) -> bool:
        """Whether at least one target of the track passes the load balancer's checks."""
        return self._healthy(self._groups(self._action())[track])

    def _healthy(self, group: Mapping[str, Any]) -> bool:
        with _told("ask for the targets' health"):
            found = self._elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        return any(each["TargetHealth"]["State"] == HEALTHY for each in found["TargetHealthDescriptions"])

    def _action(self) -> dict[str, Any]:
        """The listener's default action."""
        with _told(f"find the listener {self._listener_arn}"):
            (listener,) = self._elb.describe_listeners(ListenerArns=[self._listener_arn])["Listeners"]
        actions: list[dict[str, Any]] = listener["DefaultActions"]
        if len(actions) != 1 or actions[0]["Type"] != FORWARD:
            raise RolloutError(
                f"the listener {self._listener_arn} does more than forward", instead="name one that only forwards"
            )
        if actions[0].get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {}).get("Enabled"):
            raise RolloutError(
                "the listener is sticky by a cookie, which would override the canary's weight",
                instead="turn the stickiness between target groups off",
            )
        return actions[0]

    def _groups(self, action: Mapping[str, Any]) -> dict[Track, Mapping[str, Any]]:
        """Each track's target group, with its weight; both must exist."""
        entries = {each["TargetGroupArn"]: each for each in action.get("ForwardConfig", {}).get("TargetGroups", [])}
        with _told("find the listener's target groups"):
            found = self._elb.describe_target_groups(TargetGroupArns=[*entries])["TargetGroups"] if entries else []
        names = {each["TargetGroupName"]: each["TargetGroupArn"] for each in found}
        groups: dict[Track, Mapping[str, Any]] = {}
        for track in TRACKS:
            fitting = [arn for name, arn in names.items() if track in name]
            if len(fitting) != 1 or len(entries) != len(TRACKS):
                raise RolloutError(
                    f"the listener does not forward to one target group of stable and one of the canary, but to "
                    f"{', '.join(sorted(names)) or 'none'}",
                    instead="see deploy/terraform, which makes both",
                )
            groups[track] = entries[fitting[0]]
        return groups


def _told(what: str) -> AbstractContextManager[None]:
    return aws_told(what, RolloutError, check="listener, account, region and rights")
