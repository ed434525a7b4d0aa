"""The gates of a version with an uplift: its churn model is the champion's, so what is new in it is judged in money."""

from churn.contract.declaration import Contract
from churn.errors import DataError
from churn.training.gates import Gate
from churn.training.registry import Registry
from churn.training.uplift.kept import UPLIFT_OF, read_kept_uplift
from churn.training.uplift.recording import read_base_number
from churn.training.versions import VersionInfo


def has_uplift(info: VersionInfo) -> bool:
    """Say whether a version has an uplift."""
    return UPLIFT_OF in info.tags


def check_uplift_version(
    registry: Registry, contract: type[Contract], info: VersionInfo, *, has_data: bool = False
) -> list[Gate]:
    """Check a version with an uplift: contract, whose churn model it has, and what it showed at training.

    Raises:
        DataError: a file is given to measure it on, which says nothing of an uplift.
        RegistryError: its run does not keep what it should.
    """
    if has_data:
        raise DataError(
            f"{info.tags.get('model_version')} has the churn model of number {read_base_number(info)}, and subscribers "
            "with a label say nothing of what an offer changes",
            instead=f"measure version {read_base_number(info)}, and leave out --data and --holdout here",
        )
    kept = read_kept_uplift(registry.fetch(info))
    if kept is None:
        return [Gate("uplift", passed=False, reason="its run keeps no uplift; train it again")]
    trained_for = kept.contract_fingerprint
    gates = [
        Gate(
            "contract",
            trained_for == contract.fingerprint,
            f"trained for contract fingerprint {trained_for[:12]}, the code's is {contract.fingerprint[:12]}",
        ),
        _check_champion(registry.find_champion(info.name), info),
    ]
    return [*gates, *kept.gates]


def _check_champion(champion: VersionInfo | None, info: VersionInfo) -> Gate:
    base = read_base_number(info)
    if champion is None:
        reason = f"there is no champion; promote number {base}, whose churn model it has, first"
        return Gate("champion", passed=False, reason=reason)
    present = read_base_number(champion)
    reason = f"its probabilities are those of number {base}, the champion's are those of number {present}"
    if present != base:
        reason = f"{reason}: train the uplift again, over the champion"
    return Gate("champion", present == base, reason)
