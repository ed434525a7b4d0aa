"""Open what `churn judge serve` asks, and refuse before the start what would only ever hold."""

from collections.abc import Sequence

from churn.cli.rollout_control import open_evidence, require_places
from churn.errors import SettingsError
from churn.judging.checks import Check
from churn.rollout.paired import WITHOUT
from churn.rollout.parts import open_source
from churn.rollout.plan import Plan
from churn.rollout.state import Setup
from churn.service.startup import find_log_places
from churn.settings import Settings
from churn.verdicts.analysis import Analyst


def open_analyst(setup: Setup, plan: Plan, settings: Settings, checks: Sequence[Check]) -> Analyst:
    """Open the analyst of a setup.

    Raises:
        SettingsError: no address is given, or pairs are judged and there is no prediction log.
    """
    require_places(setup)
    needs_pairs = any(check.measure.is_paired for check in checks)
    if needs_pairs and find_log_places(settings, setup.contract) is None:
        raise SettingsError(
            "PREDICTION_LOG is `off`, so the model's checks would hold for ever",
            instead=f"name in PREDICTION_LOG where the service logs; {WITHOUT}",
        )
    return Analyst(
        source=open_source(setup, settings.reveal_api_key()),
        plan=plan,
        checks=checks,
        open_evidence=(lambda began: open_evidence(setup, settings, began)) if needs_pairs else None,
    )


def require_token(settings: Settings) -> str:
    """Return the token that callers give.

    Raises:
        SettingsError: there is none.
    """
    if settings.judge_token is None:
        raise SettingsError(
            "JUDGE_TOKEN is not set, so anybody could ask", instead="set it to a secret, such as `openssl rand -hex 32`"
        )
    return settings.judge_token.get_secret_value()
