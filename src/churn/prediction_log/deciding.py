"""Decide again from a record: on the banner by the policy that is kept, and the challenger's side by its bundle."""

from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from churn.contract.catalogues import find_contract_language, list_languages
from churn.contract.declaration import Contract
from churn.contract.language import ENGLISH, Language
from churn.errors import BundleError, DataError, OfferPolicyError
from churn.model.bundle import Bundle, load_bundle
from churn.model.model import ChurnModel, Prediction
from churn.model.shelf import Shelf
from churn.prediction_log.actions import Possible, add_decision, columns_from_fields
from churn.prediction_log.places import Places
from churn.prediction_log.policies import name_policy
from churn.prediction_log.reader import read_kept_policy
from churn.prediction_log.record import CHALLENGER_CONTRIBUTION, Record, day_from_ns
from churn.retention.banner import Drawn, Visitor, decide_banner
from churn.retention.offers.policy import Policy, build_policy, parse_policy
from churn.retention.verifying import find_rule


class Redone(NamedTuple):
    """A field as it is recorded, and as it comes out now."""

    field: str
    recorded: Any
    reproduced: Any


def find_policy(record: Record, places: Places, contract: type[Contract], *, path: Path | None = None) -> Policy:
    """Load the policy that decided, from a file or from what is kept beside the log.

    Raises:
        DataError: the record does not say which it was, or it is not kept, or damaged.
        OfferPolicyError: the file is of another policy, or the policy does not fit the contract of today.
    """
    wanted = record["policy_sha256"]
    if wanted is None:
        raise DataError(
            "the record is of a version that did not log which policy decided", instead="replay a later answer"
        )
    if path is None:
        content, path = read_kept_policy(places, wanted), Path(name_policy(wanted))
    else:
        content = read_given_policy(path, wanted)
    return build_policy(parse_policy(content, path), contract, languages=list_languages(contract))


def read_given_policy(path: Path, wanted: str) -> bytes:
    """Read a policy's file, which must have this sha256.

    Raises:
        OfferPolicyError: it cannot be read, or has another.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OfferPolicyError(
            f"{path} cannot be read: {error.strerror}", instead="give the path of a policy file"
        ) from error
    if (found := sha256(content).hexdigest()) != wanted:
        raise OfferPolicyError(
            f"the policy at {path} is not the one that decided: the record names the sha256 {wanted[:12]}…, this one's "
            f"is {found[:12]}…",
            instead="give the file of that day, unchanged to the last byte",
        )
    return content


def find_challenger(record: Record, shelf: Shelf) -> Bundle | None:
    """Load the challenger's bundle; None if no challenger answered.

    Raises:
        BundleError: no bundle has its sha256, or it is damaged.
    """
    wanted = record["challenger_bundle_sha256"]
    if wanted is None or record["challenger_probability"] is None:
        return None
    if shelved := shelf.find(wanted):
        return load_bundle(shelved)
    raise BundleError(
        f"no bundle in {shelf.folder} is the challenger's, {record['challenger_version']} with the sha256 "
        f"{wanted[:12]}… of its manifest",
        instead="put a copy of it there, such as from the image of that version",
    )


def decide_again(
    record: Record, policy: Policy, model: ChurnModel, subscriber: Contract, prediction: Prediction
) -> Iterator[Redone]:
    """Decide on the banner again, as on the day of the record; give all fields that follow from the policy."""
    holdout = policy.holdout
    again: dict[str, Any] = {
        "policy_version": policy.version,
        "experiment": holdout.experiment,
        "holdout_share": holdout.share,
        "draw_seed": holdout.experiment,
    }
    fields: dict[str, Any] = {"arm": record["arm"]}
    if record["banner"] or record["action"] is not None:
        last = record["last_offer"]
        language = _find_language(record, model.contract)
        visitor = Visitor(None, None if last is None else date.fromisoformat(last), language)
        rule = find_rule(record["verification"])
        today = day_from_ns(record["time"] * 1000)
        drawn = Drawn(record["arm"], record["action"])
        add_decision(
            fields,
            decide_banner(model, policy, subscriber, prediction, visitor, today=today, rule=rule, drawn=drawn),
        )
    again |= {name: fields.get(name) for name in ("offer", "withheld_offer")}
    again["offer_reasons"] = fields.get("offer_reasons", [])
    again |= columns_from_fields(fields, Possible.from_policy(policy))
    if record["action"] is None:  # of a version before, or without a banner
        for name in ("action", "decided_by"):
            del again[name]
    yield from (Redone(name, record[name], value) for name, value in again.items())


def _find_language(record: Record, contract: type[Contract]) -> Language:
    """Return the language of a record; English if there is no catalogue of it any more."""
    code = record["language"]
    return find_contract_language(contract, code) if code in list_languages(contract) else ENGLISH


def predict_again(record: Record, challenger: Bundle, values: Sequence[float]) -> Iterator[Redone]:
    """Give the challenger's numbers, as it predicts them now."""
    [prediction] = challenger.model.predict_encoded([tuple(values)])
    again = {"challenger_probability": prediction.probability, "challenger_base_value": prediction.base_value}
    names = challenger.model.contract.feature_names()
    again |= {CHALLENGER_CONTRIBUTION + name: part for name, part in zip(names, prediction.contributions, strict=True)}
    yield from (Redone(name, record.get(name), value) for name, value in again.items())
