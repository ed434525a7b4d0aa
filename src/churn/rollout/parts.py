"""Open the router, the fleet and the source of counts that a rollout's setup names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn.errors import SettingsError
from churn.rollout.fleets.fleet import Fleet
from churn.rollout.routers.haproxy import HAProxy
from churn.rollout.routers.router import Router

if TYPE_CHECKING:
    from churn.rollout.sources import Instances, Prometheus
    from churn.rollout.state import Setup

# ruff: noqa: PLC0415 - libraries of AWS and HTTP take a while to import

ROUTER_FORMS = "haproxy://HOST:PORT, haproxy:/PATH/OF/SOCKET or alb:LISTENER_ARN"
FLEET_FORMS = "ecs:CLUSTER"


def open_router(address: str, *, has_baseline: bool = False) -> Router:
    """Open the router at an address, such as `haproxy://127.0.0.1:9999` or `alb:arn:aws:...`.

    Raises:
        SettingsError: the address has another form.
        RolloutError: a library is missing, or there is no such router.
    """
    match address.split(":", 1):
        case ["haproxy", place]:
            return HAProxy(place.removeprefix("//"), has_baseline=has_baseline)
        case ["alb", listener_arn]:
            from churn.rollout.routers.alb import LoadBalancer

            return LoadBalancer(listener_arn, has_baseline=has_baseline)
    raise SettingsError(f"{address} is no router", instead=f"write {ROUTER_FORMS}")


def open_fleet(address: str, *, has_baseline: bool = False) -> Fleet:
    """Open the fleet at an address, such as `ecs:streamflow-churn-api`.

    Raises:
        SettingsError: the address has none of the forms.
        RolloutError: a library is missing.
    """
    match address.split(":", 1):
        case ["ecs", cluster] if cluster:
            from churn.rollout.fleets.ecs import Ecs

            return Ecs(cluster, has_baseline=has_baseline)
    raise SettingsError(f"{address} is no fleet", instead=f"write {FLEET_FORMS}, the cluster's name or ARN at AWS")


def open_source(setup: Setup, api_key: str | None = None, *, has_baseline: bool = False) -> Instances | Prometheus:
    """Open what reads the counts: the fleet's tasks, Prometheus, or the instances that the setup names.

    Args:
        api_key: for tasks and instances; Prometheus never gets it.
        has_baseline: whether the fleet runs one. Prometheus and instances have one where the setup names it.
    """
    from churn.rollout.sources import Instances, Prometheus

    if setup.fleet and not (setup.stable or setup.canary):
        return Instances(open_fleet(setup.fleet, has_baseline=has_baseline).find_addresses, api_key)
    if setup.prometheus:
        return Prometheus(setup.prometheus, {track: selector for track, (selector,) in setup.places.items()})
    return Instances(lambda: setup.places, api_key)
