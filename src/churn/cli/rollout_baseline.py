"""What the start of a rollout asks of router and fleet, and whether there is a baseline."""

from churn.cli.show import say
from churn.errors import RolloutError, SettingsError
from churn.rollout.parts import open_fleet, open_router
from churn.rollout.plan import Plan
from churn.rollout.routers.router import BASELINE
from churn.rollout.state import Setup


def require_baseline(setup: Setup, plan: Plan) -> None:
    """Refuse a plan that lacks its baseline, and a baseline that would count twice."""
    if both := {*setup.baseline} & {*setup.stable}:
        raise SettingsError(
            f"{min(both)} is --stable and --baseline", instead="start the live version once more, beside the canary"
        )
    by_hand = (*setup.stable, *setup.canary, *setup.baseline)
    if plan.baseline and setup.fleet and by_hand and not setup.prometheus:
        raise SettingsError(
            "a fleet starts the baseline, so nobody knows its addresses yet",
            instead="leave out --stable, --canary and --baseline: the tasks themselves are asked; or set baseline = "
            "false in the plan",
        )
    if plan.baseline and not setup.fleet and not setup.baseline:
        raise SettingsError(
            "the plan has a baseline, and --baseline is missing",
            instead="start the live version beside the canary, on the same kind of machine: --baseline http://HOST:PORT",
        )


def require_parts(setup: Setup, plan: Plan) -> None:
    """Ask router and fleet once, so that a wrong address is refused before the start, and a baseline that they lack."""
    router = open_router(setup.router, has_baseline=plan.has_baseline)
    router.read_weight()
    if plan.has_baseline:
        router.is_healthy(BASELINE)  # no task of it need run yet, but the router must know it
    if setup.fleet:
        open_fleet(setup.fleet, has_baseline=plan.has_baseline).find_addresses()


def decide_baseline(setup: Setup, plan: Plan) -> tuple[Plan, str]:
    """Give the plan a baseline if it does not say, and the fleet can start one. Return why not; empty if it can.

    Raises:
        RolloutError: router or fleet cannot be asked, or lack the baseline that the plan must have.
    """
    if plan.baseline is None:
        plan, without = (plan.model_copy(update={"baseline": has_baseline}) for has_baseline in (True, False))
        try:
            require_parts(setup, plan)
        except RolloutError as error:
            require_parts(setup, without)  # all else is there
            say(f"there is no baseline: {error.message}. So a canary that is slower within the objective holds")
            say(f"before the next rollout, {error.instead}")
            return without, error.message
    require_parts(setup, plan)
    return plan, ""
