"""The record of an uplift's run: what it rests on, what it showed, and what the champion's version says already."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from churn.contract.declaration import Contract
from churn.errors import RegistryError
from churn.files import encode_json
from churn.model.shelf import CHAMPION
from churn.model.uplift_files import UpliftCard
from churn.outcomes.exposures import Exposures
from churn.retention.offers.effects_hash import hash_effects
from churn.retention.offers.policy import Policy
from churn.training.kept import explain_errors
from churn.training.registry import EVALUATION, EXPORT_FOLDER, FORCED_TAGS, Registry
from churn.training.uplift.kept import UPLIFT_OF, KeptUplift, encode_uplift
from churn.training.uplift.training import TrainedUplift
from churn.training.versions import FetchedModel, RunRecord, VersionInfo, name_registered_model

LOG_FROM, LOG_UNTIL = "log_from", "log_until"  # microseconds since 1970; erasing names the versions by them
OWN: Final = "uplift_"  # how the names of its metrics and parameters begin
VERDICT_FILE: Final = "uplift_verdict.json"


@dataclass(frozen=True, slots=True)
class Base:
    """The version whose churn model an uplift goes with.

    Args:
        number: of the version that was trained, also where the champion has an uplift itself.
        version: what that is called.
        params: of its run.
    """

    fetched: FetchedModel
    number: int
    version: str
    params: Mapping[str, str]


def fetch_base(registry: Registry, contract: type[Contract]) -> Base:
    """Fetch the champion. If it has an uplift, its churn model is that of an earlier version, whose name counts.

    Raises:
        RegistryError: there is no champion.
    """
    name = name_registered_model(contract)
    champion = registry.find_champion(name)
    if champion is None:
        raise RegistryError(
            f"{name} has no {CHAMPION}, and an uplift goes with its churn model",
            instead="train one with `churn train FILE` and promote it",
        )
    number = read_base_number(champion)
    trained = champion if number == champion.number else registry.find(f"models:/{name}/{number}")
    with registry.translate_errors(f"read the run of {name} version {number}"):
        run = registry.client.get_run(champion.run_id) if champion.run_id else None
    params = {key: value for key, value in (run.data.params if run else {}).items() if not key.startswith(OWN)}
    version = trained.tags.get("model_version", f"v{trained.number}")
    return Base(registry.fetch(champion), number, version, params)


@explain_errors("the tag uplift_of")
def read_base_number(info: VersionInfo) -> int:
    """Return the number of the version whose churn model a version has: its own without an uplift."""
    return int(info.tags.get(UPLIFT_OF, info.number))


def name_uplift_version(base: Base, earlier: list[VersionInfo]) -> str:
    """Name a new version after the one whose churn model it has."""
    count = sum(UPLIFT_OF in info.tags and read_base_number(info) == base.number for info in earlier)
    return f"{base.version}-uplift{count + 1}"


def describe_uplift(trained: TrainedUplift, exposures: Exposures, policy: Policy) -> UpliftCard | None:
    """Say what the bundle's manifest will say of an uplift; None without any adjustment."""
    if trained.adjustment.booster is None:
        return None
    experiments = {str(name) for name in exposures.experiment if name is not None}
    return UpliftCard(
        offers=trained.adjustment.actions,
        policy_sha256=policy.sha256,
        effects_sha256=hash_effects(policy.document),
        experiment=experiments.pop() if len(experiments) == 1 else None,
        trained_from=trained.traffic.first_day.isoformat(),
        trained_until=trained.traffic.last_day.isoformat(),
        subscribers=trained.traffic.subscribers,
    )


def build_verdict_record(trained: TrainedUplift, policy: Policy, contract: type[Contract]) -> RunRecord:
    """Collect what was measured of an uplift, whether its gates hold or not."""
    gain, adjustment, traffic = trained.gain, trained.adjustment, trained.traffic
    metrics: dict[str, float] = {
        "subscribers": traffic.subscribers,
        "explored": traffic.explored,
        "rounds": adjustment.rounds,
        "squared_error_gain": adjustment.gain,
        **{f"autoc_{name}": curve.area for name, curve in trained.curves.items()},
    }
    if gain is not None:
        metrics |= {"money": gain.money, "money_low": gain.low, "money_high": gain.high, "kept": gain.kept}
        metrics |= {"without_overlap": gain.without_overlap, "differs": gain.differs}
    return RunRecord(
        params={f"{OWN}policy": policy.version, f"{OWN}actions": ", ".join(adjustment.actions)},
        metrics={f"{OWN}{name}": float(value) for name, value in metrics.items()},
        tags={
            "contract": contract.contract_name,
            "uplift_verdict": "open" if trained.is_open else "hold",
            "uplift_policy_sha256": policy.sha256,
            "uplift_trained_from": traffic.first_day.isoformat(),
            "uplift_trained_until": traffic.last_day.isoformat(),
            "uplift_subscribers": str(traffic.subscribers),
        },
        files={VERDICT_FILE: encode_json(summarize_uplift(trained))},
    )


def build_version_record(
    contract: type[Contract],
    base: Base,
    trained: TrainedUplift,
    exposures: Exposures,
    policy: Policy,
    *,
    version: str,
    forced: str | None = None,
) -> RunRecord:
    """Collect what a version with an uplift leaves: all that the champion's says of its churn model, and the uplift.

    Args:
        forced: why somebody went past the gates.
    """
    card = describe_uplift(trained, exposures, policy)
    if card is None:
        raise ValueError(version)
    verdict, info = build_verdict_record(trained, policy, contract), base.fetched.info
    boosters = trained.adjustment.specialise()
    kept = KeptUplift(card=card, contract_fingerprint=contract.fingerprint, gates=trained.gates, forced=forced)
    inherited = {
        f"{EXPORT_FOLDER}/{name}": content
        for name, content in base.fetched.export_files.items()
        if not name.startswith("uplift")
    }
    tags = {key: tag for key, tag in info.tags.items() if key not in FORCED_TAGS | {EVALUATION}}
    period = _unite_period(info.tags, exposures)
    tags |= {**verdict.tags, **period, "model_version": version, UPLIFT_OF: str(base.number)}
    tags |= {f"uplift_gate_{gate.name}": "holds" if gate.passed else "failed" for gate in trained.gates}
    if forced is not None:
        tags |= {"uplift_forced": forced}
    return RunRecord(
        params={**base.params, **verdict.params},
        metrics={**{key: value for key, value in info.metrics.items() if not key.startswith(OWN)}, **verdict.metrics},
        tags=tags,
        files={**inherited, **verdict.files, **encode_uplift(kept, boosters)},
    )


def summarize_uplift(trained: TrainedUplift) -> dict[str, object]:
    """Say all that was measured, as JSON."""
    wait, gain = trained.wait, trained.gain
    return {
        "verdict": "open" if trained.is_open else "hold",
        "subscribers": trained.traffic.subscribers,
        "explored": trained.traffic.explored,
        "from": trained.traffic.first_day.isoformat(),
        "until": trained.traffic.last_day.isoformat(),
        "rounds": trained.adjustment.rounds,
        "actions": list(trained.adjustment.actions),
        "gates": [asdict(gate) for gate in trained.gates],
        "gain": gain._asdict() if gain else None,
        "autoc": {name: {**curve._asdict(), "low": curve.low} for name, curve in trained.curves.items()},
        "wait": {
            "subscribers": wait.subscribers,
            "until": wait.until.isoformat() if wait.until else None,
            "reason": wait.reason,
        },
    }


def _unite_period(tags: Mapping[str, str], exposures: Exposures) -> dict[str, str]:
    """Return the time of the log that the version rests on, with that of its churn model if it was retrained."""
    above = exposures.time[exposures.is_above]
    first, last = int(above.min()), int(above.max())
    return {
        LOG_FROM: str(min(first, int(tags.get(LOG_FROM, first)))),
        LOG_UNTIL: str(max(last, int(tags.get(LOG_UNTIL, last)))),
    }
