"""Read the log once to join outcomes and once for those who count, and sum up all that they say."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.errors import DataError, OfferPolicyError
from churn.learning.effect_report import EffectReport, measure_effects
from churn.learning.stakes import weigh_exposures
from churn.outcomes.reading_exposures import collect_exposures
from churn.outcomes.summary import OutcomeSummary, find_trained_auc, join_imported, summarize_joined
from churn.prediction_log.places import Places
from churn.prediction_log.segments import Progress
from churn.retention.offers.policy import load_policy


def report_effects(
    home: Path,
    contract: type[Contract],
    places: Places,
    policy: Path | None,
    *,
    now: datetime,
    damaged: list[DataError] | None = None,
    track: Callable[[str], Progress] = lambda _: lambda *_: None,
) -> tuple[OutcomeSummary, EffectReport | None]:
    """Sum up outcomes, and what the newest experiment says of offers, segments and money.

    Args:
        home: CHURN_HOME.
        policy: the file that names segments and margin; None for the contract's own. If it cannot be used, there is no
            second report.
        damaged: takes what is wrong with segments that are left out.
        track: makes what is told of the progress of each reading, by what is read.

    Raises:
        DataError, OSError, ChurnError: as `summarize_outcomes`.
    """
    name, horizon_days = contract.contract_name, contract.horizon_days
    joined, known = join_imported(
        home, name, places, now=now, horizon_days=horizon_days, damaged=damaged, progress=track("predictions")
    )
    summary = summarize_joined(joined, known, find_trained_auc(home, name), horizon_days=horizon_days)
    if not summary.matched or summary.experiment.name is None:
        return summary, None
    try:
        in_force = load_policy(policy, contract, languages=list_languages(contract))
    except OfferPolicyError:
        return summary, None
    rows = collect_exposures(places, joined, contract, experiment=summary.experiment.name, progress=track("banners"))
    stakes = weigh_exposures(rows.everybody, in_force, contract)
    return summary, measure_effects(rows, stakes, summary.experiment, in_force)
