"""Make an answer again from its record and the bundle that gave it, and list what differs, to the bit."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from churn.errors import BundleError, DataError
from churn.model.bundle import Bundle, load_bundle
from churn.model.manifest import identify_bundle
from churn.model.shelf import Shelf
from churn.prediction_log.deciding import Redone, decide_again, predict_again
from churn.prediction_log.record import COLUMNS, CONTRIBUTION, Record, values_from_record
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.policy import Policy
from churn.retention.reasons import choose_customer_reasons, rank_reasons
from churn.retention.verifying import find_rule

NUMBERS = {name for name, kind in COLUMNS.items() if kind == "numbers"}


class Mismatch(NamedTuple):
    """A field that differs. Numbers have their bits, too, as 16 hex digits each (IEEE 754, big-endian)."""

    field: str
    recorded: Any
    reproduced: Any
    recorded_bits: str | None = None
    reproduced_bits: str | None = None


def find_bundle(record: Record, shelf: Shelf, *, path: Path | None = None) -> Bundle:
    """Load the bundle that a record was answered by, from `path` or by the sha256 of its manifest.

    Raises:
        BundleError: no bundle has the sha256, `path` holds another bundle, or the bundle is damaged.
    """
    wanted = record["bundle_sha256"]
    named = f"{record['model_version']} with the sha256 {wanted[:12]}… of its manifest"
    if path is not None:
        sha256 = identify_bundle(path)
        if sha256 != wanted:
            raise BundleError(
                f"the bundle at {path} is not the one that answered: the record names {named}, this one's is "
                f"{sha256[:12] + '…' if sha256 else 'missing'}",
                instead="give the bundle that was served then",
            )
        return load_bundle(path)
    if shelved := shelf.find(wanted):
        return load_bundle(shelved)
    raise BundleError(
        f"no bundle in {shelf.folder} is the one that answered, {named}",
        instead="give its directory with --bundle, such as a copy from the image of that version",
    )


def replay(
    record: Record, bundle: Bundle, *, policy: Policy | None = None, challenger: Bundle | None = None
) -> list[Mismatch]:
    """Compare a record with what comes out now; an empty list means the same.

    Without the policy nothing of the offer is compared, without the challenger nothing of its side. No lot is drawn
    again, since the log has no key: the arm and the action are taken as recorded, and all else must follow from them.

    Raises:
        DataError: the record does not fit the bundle's contract, or its reasons were verified by an unknown rule.
    """
    return [
        field
        for field in _compare_fields(record, bundle, policy, challenger)
        if (field.recorded_bits or field.recorded) != (field.reproduced_bits or field.reproduced)
    ]


def _compare_fields(
    record: Record, bundle: Bundle, policy: Policy | None, challenger: Bundle | None
) -> Iterator[Mismatch]:
    model = bundle.model
    specs = model.contract.features
    names = [spec.name for spec in specs]
    try:
        values = values_from_record(record, names)
        recorded = [record[CONTRIBUTION + name] for name in names]
        decoded = {spec.name: spec.decode(value) for spec, value in zip(specs, values, strict=True)}
        subscriber = model.contract.model_validate(decoded)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(
            f"the record {record['prediction_id']} does not fit the contract {model.contract.contract_name}: {error}",
            instead="replay it with the version of the code that recorded it",
        ) from error
    [prediction] = model.predict_encoded([values])
    yield _compare_number("probability", record["probability"], prediction.probability)
    yield _compare_number("base_value", record["base_value"], prediction.base_value)
    for name, then, now in zip(names, recorded, prediction.contributions, strict=True):
        yield _compare_number(CONTRIBUTION + name, then, now)
    reasons = rank_reasons(subscriber, prediction, len(record["reasons"]))
    yield Mismatch("reason_features", record["reason_features"], [reason["feature"] for reason in reasons])
    yield Mismatch("reasons", record["reasons"], [reason["plain_language"] for reason in reasons])
    yield Mismatch("banner", record["banner"], prediction.probability > record["threshold"])
    if record["banner"] or record["action"] is not None:
        holding = choose_customer_reasons(model, subscriber, prediction, rule=find_rule(record["verification"]))[0]
        codes = [reason["code"] for reason in holding]
        is_shown = record["arm"] != "holdout" and record["action"] != NOTHING
        yield Mismatch("shown_reasons", record["shown_reasons"], codes if is_shown else [])
        if record["action"] is not None:  # versions before logged neither
            yield Mismatch("withheld_reasons", record["withheld_reasons"], [] if is_shown else codes)
    if policy:
        yield from map(_compare, decide_again(record, policy, model, subscriber, prediction))
    if challenger:
        yield from map(_compare, predict_again(record, challenger, values))


def _compare(redone: Redone) -> Mismatch:
    field, recorded, reproduced = redone
    if isinstance(reproduced, float):
        return _compare_number(field, recorded, reproduced)
    if field in NUMBERS:
        return Mismatch(field, recorded, reproduced, _list_bits(recorded), _list_bits(reproduced))
    return Mismatch(field, recorded, reproduced)


def _compare_number(field: str, recorded: float | None, reproduced: float) -> Mismatch:
    return Mismatch(field, recorded, reproduced, _format_bits(recorded), _format_bits(reproduced))


def _format_bits(number: float | None) -> str | None:
    return None if number is None else struct.pack(">d", number).hex()


def _list_bits(numbers: Sequence[float]) -> str:
    return " ".join(struct.pack(">d", number).hex() for number in numbers)
