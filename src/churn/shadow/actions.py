"""How often the challenger would do something else for a subscriber: another offer, the banner alone, or nothing.

Both bundles decide anew on the newest subscribers who were shown a banner, by the policy of then and without lots.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.errors import ChurnError, DataError
from churn.model.bundle import load_bundle
from churn.model.model import ChurnModel
from churn.model.shelf import Shelf
from churn.prediction_log.batches import rows_from_batch, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.policies import name_policy
from churn.prediction_log.reader import read_kept_policy, read_records
from churn.prediction_log.record import FEATURE, Record, day_from_ns, values_from_record
from churn.retention.banner import Visitor, decide_banner, find_uplift
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.policy import Policy, build_policy, parse_policy
from churn.shadow.reading import EVER, NAMES, BundlePair, Period

MOST_SUBSCRIBERS = 2000
OTHERS = ("time", "threshold", "challenger_probability", "banner", "last_offer", "policy_sha256")


@dataclass(slots=True)
class ActionComparison:
    """What two bundles would do for the same subscribers.

    Args:
        actions: by the champion's and the challenger's, how many subscribers.
        by_uplift: whether an uplift decides for the champion, and for the challenger.
        why: why nobody was compared; empty if somebody was.
    """

    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_uplift: tuple[bool, bool] = (False, False)
    why: str = ""

    @property
    def subscribers(self) -> int:
        """How many were compared."""
        return self.actions.total()

    @property
    def others(self) -> int:
        """For how many of them the challenger would do something else."""
        return sum(count for (mine, theirs), count in self.actions.items() if mine != theirs)


def compare_actions(
    places: Places,
    shelf: Shelf,
    bundles: BundlePair,
    *,
    during: Period = EVER,
    most: int = MOST_SUBSCRIBERS,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> ActionComparison:
    """Compare what two bundles would do for the newest subscribers with a banner whom both answered.

    `progress` is called with (done, most) subscribers. What keeps anything from being compared is said, not raised.
    """
    comparison = ActionComparison()
    try:
        models = [_load_model(shelf, sha256) for sha256 in (bundles.champion_sha256, bundles.challenger_sha256)]
        policies: dict[str, Policy] = {}
        for record in _walk_banners(places, models[0].contract, bundles, during):
            policy = _find_policy(policies, record, places, models[0].contract)
            champion, challenger = (_find_action(record, model, policy) for model in models)
            comparison.actions[champion, challenger] += 1
            is_used = [find_uplift(model, policy) is not None for model in models]
            comparison.by_uplift = is_used[0], is_used[1]
            progress(comparison.subscribers, most)
            if comparison.subscribers == most:
                break
    except (ChurnError, OSError) as error:
        comparison.why = str(error)
    if not comparison.subscribers and not comparison.why:
        comparison.why = "no subscriber with a banner was answered by both"
    return comparison


def json_from_actions(comparison: ActionComparison | None) -> dict[str, Any] | None:
    """Return a comparison for scripts."""
    if comparison is None:
        return None
    pairs = [
        {"champion": champion, "challenger": challenger, "subscribers": count}
        for (champion, challenger), count in comparison.actions.most_common()
    ]
    return {
        "subscribers": comparison.subscribers,
        "others": comparison.others,
        "by_uplift": dict(zip(("champion", "challenger"), comparison.by_uplift, strict=True)),
        "why": comparison.why,
        "pairs": pairs,
    }


def _load_model(shelf: Shelf, sha256: str) -> ChurnModel:
    path = shelf.find(sha256)
    if path is None:
        raise DataError(f"no bundle in {shelf.folder} has the sha256 {sha256[:12]}…", instead="put a copy of it there")
    return load_bundle(path).model


def _walk_banners(places: Places, contract: type[Contract], bundles: BundlePair, during: Period) -> Iterator[Record]:
    """Yield the records of subscribers with a banner whom both bundles answered, of the newest files first."""
    columns = [*NAMES, *OTHERS, *(FEATURE + name for name in contract.feature_names())]
    for batch in read_records(places, columns, *during, newest_first=True, damaged=[]):
        if tuple(values_from_batch(batch, name)[0] for name in NAMES) == tuple(bundles):
            yield from (
                record
                for record in rows_from_batch(batch)
                if record["banner"] and record["challenger_probability"] is not None and record["policy_sha256"]
            )


def _find_policy(policies: dict[str, Policy], record: Record, places: Places, contract: type[Contract]) -> Policy:
    sha256 = record["policy_sha256"]
    if sha256 not in policies:
        file = parse_policy(read_kept_policy(places, sha256), Path(name_policy(sha256)))
        policies[sha256] = build_policy(file, contract, languages=list_languages(contract))
    return policies[sha256]


def _find_action(record: Record, model: ChurnModel, policy: Policy) -> str:
    """Find what a bundle does for a subscriber, without a lot and without a holdout."""
    specs = model.contract.features
    values = values_from_record(record, [spec.name for spec in specs])
    [prediction] = model.predict_encoded([values])
    if prediction.probability <= record["threshold"]:
        return NOTHING
    decoded = {spec.name: spec.decode(value) for spec, value in zip(specs, values, strict=True)}
    last = record["last_offer"]
    visitor = Visitor(last_offer=None if last is None else date.fromisoformat(last))
    today = day_from_ns(record["time"] * 1000)
    subscriber = model.contract.model_validate(decoded)
    choice = decide_banner(model, policy, subscriber, prediction, visitor, today=today).choice
    return choice.action if choice else NOTHING
