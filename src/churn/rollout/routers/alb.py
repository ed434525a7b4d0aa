"""AWS's application load balancer: the weights of the two target groups of a listener."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from churn.errors import RolloutError
from churn.release.session import open_aws_client, translate_aws_errors
from churn.rollout.routers.router import TRACKS, Track, percent_from_weights, require_percent

_explain_errors = partial(translate_aws_errors, kind=RolloutError, check="listener, account, region and rights")


class LoadBalancer:
    """Move the weights of one listener, whose default action forwards to two target groups.

    One group's name must hold `stable`, the other's `canary`. Account and region come from where AWS's own tools take
    them. A subscriber may change the track: the load balancer's own stickiness would override the weights.

    Raises:
        RolloutError: AWS cannot be reached.
    """

    def __init__(self, listener_arn: str) -> None:
        self._listener_arn = listener_arn
        with _explain_errors("reach AWS"):
            self._elb = open_aws_client("elbv2")

    @_explain_errors("read the listener's weights")
    def read_weight(self) -> float:
        """Return the canary's share in percent."""
        groups = self._find_groups(self._find_action())
        return percent_from_weights(*(groups[track].get("Weight", 0) for track in TRACKS))

    @_explain_errors("move the listener's weights")
    def set_weight(self, percent: int) -> None:
        """Give the canary's group that share; all else of the listener's action stays."""
        require_percent(percent)
        action = self._find_action()
        groups = self._find_groups(action)
        if percent and not self._has_healthy_target(groups["canary"]):
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
        with _explain_errors("move the listener's weights"):
            self._elb.modify_listener(ListenerArn=self._listener_arn, DefaultActions=[changed])

    @_explain_errors("ask for the targets' health")
    def is_healthy(self, track: Track) -> bool:
        """Return whether at least one target of the track passes the load balancer's checks."""
        return self._has_healthy_target(self._find_groups(self._find_action())[track])

    def _has_healthy_target(self, group: Mapping[str, Any]) -> bool:
        with _explain_errors("ask for the targets' health"):
            health = self._elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        return any(target["TargetHealth"]["State"] == "healthy" for target in health["TargetHealthDescriptions"])

    def _find_action(self) -> dict[str, Any]:
        """Return the listener's default action."""
        with _explain_errors(f"find the listener {self._listener_arn}"):
            (listener,) = self._elb.describe_listeners(ListenerArns=[self._listener_arn])["Listeners"]
        actions: list[dict[str, Any]] = listener["DefaultActions"]
        if len(actions) != 1 or actions[0]["Type"] != "forward":
            raise RolloutError(
                f"the listener {self._listener_arn} does more than forward", instead="name one that only forwards"
            )
        if actions[0].get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {}).get("Enabled"):
            raise RolloutError(
                "the listener is sticky by a cookie, which would override the canary's weight",
                instead="turn the stickiness between target groups off",
            )
        return actions[0]

    def _find_groups(self, action: Mapping[str, Any]) -> dict[Track, Mapping[str, Any]]:
        """Return each track's target group with its weight; both must exist."""
        entries = {entry["TargetGroupArn"]: entry for entry in action.get("ForwardConfig", {}).get("TargetGroups", [])}
        with _explain_errors("find the listener's target groups"):
            described = self._elb.describe_target_groups(TargetGroupArns=[*entries])["TargetGroups"] if entries else []
        arns = {group["TargetGroupName"]: group["TargetGroupArn"] for group in described}
        groups: dict[Track, Mapping[str, Any]] = {}
        for track in TRACKS:
            matching = [arn for name, arn in arns.items() if track in name]
            if len(matching) != 1 or len(entries) != len(TRACKS):
                raise RolloutError(
                    f"the listener does not forward to one target group of stable and one of the canary, but to "
                    f"{', '.join(sorted(arns)) or 'none'}",
                    instead="see deploy/terraform, which makes both",
                )
            groups[track] = entries[matching[0]]
        return groups
