"""AWS's application load balancer: the weights of the target groups of a listener."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from churn.errors import RolloutError
from churn.release.session import open_aws_client, translate_aws_errors
from churn.rollout.routers.router import BASELINE, TRACKS, Track, percent_from_weights, split_percent

_explain_errors = partial(translate_aws_errors, kind=RolloutError, check="listener, account, region and rights")


class LoadBalancer:
    """Move the weights of one listener, whose default action forwards to a target group of each track.

    One group's name must hold `stable`, another's `canary`. A third one's, the baseline's, must hold `base`. It gets
    nothing where the rollout has no baseline. Account and region come from where AWS's own tools take them. A
    subscriber may change the track: the load balancer's own stickiness would override the weights.

    Raises:
        RolloutError: AWS cannot be reached.
    """

    def __init__(self, listener_arn: str, *, has_baseline: bool = False) -> None:
        self._listener_arn = listener_arn
        self._has_baseline = has_baseline
        with _explain_errors("reach AWS"):
            self._elb = open_aws_client("elbv2")

    @_explain_errors("read the listener's weights")
    def read_weight(self) -> float:
        """Return the canary's share in percent."""
        groups = self._find_groups(self._find_action())
        weights = {track: group.get("Weight", 0) for track, group in groups.items()}
        return percent_from_weights(sum(weights.values()) - weights["canary"], weights["canary"])

    @_explain_errors("move the listener's weights")
    def set_weight(self, percent: int) -> None:
        """Give the canary's group that share; all else of the listener's action stays.

        The load balancer would go on to ask a baseline that is down, so stable gets the baseline's share meanwhile.
        """
        weights = split_percent(percent, has_baseline=self._has_baseline)
        action = self._find_action()
        groups = self._find_groups(action)
        if percent and not self._has_healthy_target(groups["canary"]):
            raise RolloutError("the canary's target group has no healthy target", instead="start the canary's tasks")
        if weights[BASELINE] and not self._has_healthy_target(self._require_group(groups, BASELINE)):
            weights = split_percent(percent, has_baseline=False)
        if {track: group.get("Weight", 0) for track, group in groups.items()} == {
            track: weights[track] for track in groups
        }:
            return
        forward = action["ForwardConfig"] | {
            "TargetGroups": [
                {"TargetGroupArn": group["TargetGroupArn"], "Weight": weights[track]} for track, group in groups.items()
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
        return self._has_healthy_target(self._require_group(self._find_groups(self._find_action()), track))

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
        """Return each track's target group with its weight; stable's and the canary's must exist."""
        entries = {entry["TargetGroupArn"]: entry for entry in action.get("ForwardConfig", {}).get("TargetGroups", [])}
        with _explain_errors("find the listener's target groups"):
            described = self._elb.describe_target_groups(TargetGroupArns=[*entries])["TargetGroups"] if entries else []
        names = {group["TargetGroupArn"]: group["TargetGroupName"] for group in described}
        groups: dict[Track, Mapping[str, Any]] = {}
        for arn, name in names.items():
            fitting: list[Track] = [track for track in TRACKS if track in name]
            groups[(fitting or [BASELINE])[0]] = entries[arn]
        third = groups.get(BASELINE)
        is_known = third is None or "base" in names[third["TargetGroupArn"]]
        if not ({*TRACKS} <= {*groups} and len(groups) == len(entries) and is_known):
            raise RolloutError(
                f"the listener does not forward to one target group of stable and one of the canary, but to "
                f"{', '.join(sorted(names.values())) or 'none'}",
                instead="see deploy/terraform, which makes them and the baseline's",
            )
        return groups

    def _require_group(self, groups: Mapping[Track, Mapping[str, Any]], track: Track) -> Mapping[str, Any]:
        if track not in groups:
            raise RolloutError(
                f"the listener {self._listener_arn} forwards to no target group of the baseline",
                instead="have deploy/terraform make it (docs/architecture/06-aws.md says how), or set baseline = false "
                "in the plan",
            )
        return groups[track]
