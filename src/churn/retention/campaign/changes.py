"""What changed between two policies, in words."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from churn.retention.offers.document import OfferDocument, PolicyDocument

NOTHING = "nothing"


class PolicyChange(NamedTuple):
    """One change, at a place such as `offer "yearly-20": discount: percent`.

    It ends the experiment if subscribers change arms, so that what was measured until then does not go on.
    """

    place: str
    what: str
    ends_the_experiment: bool = False


def list_changes(old: PolicyDocument, new: PolicyDocument) -> list[PolicyChange]:
    """List all changes in the order of the file. An offer is known by its code."""
    before, after = (policy.model_dump(by_alias=True, exclude={"offers"}) for policy in (old, new))
    changes = [
        PolicyChange(place, change, ends_the_experiment=place.startswith("holdout"))
        for place, change in _differences(_name_segments(before), _name_segments(after))
    ]
    return [*changes, *_segments(old, new), *_offers(old, new)]


def _name_segments(dump: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a policy or a measurement says, with its segments by name, so that each is compared by itself."""
    named = {segment["name"]: segment for segment in dump["segment"]}
    return {key: value for key, value in dump.items() if key != "segment"} | {
        f'segment "{name}"': segment for name, segment in named.items()
    }


def _segments(old: PolicyDocument, new: PolicyDocument) -> Iterator[PolicyChange]:
    before, after = ([segment.name for segment in policy.segments] for policy in (old, new))
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield PolicyChange("order of the segments", f"{', '.join(before)} -> {', '.join(after)}; the first that fits")


def _offers(old: PolicyDocument, new: PolicyDocument) -> Iterator[PolicyChange]:
    before, after = ({offer.code: _dump_offer(offer) for offer in policy.offers} for policy in (old, new))
    for code in before:
        if code not in after:
            yield PolicyChange(f'offer "{code}"', "removed")
    for code, offer in after.items():
        if code not in before:
            yield PolicyChange(f'offer "{code}"', "added")
            continue
        for place, change in _differences(before[code], offer):
            yield PolicyChange(f'offer "{code}": {place}', change)
    kept, kept_now = [code for code in before if code in after], [code for code in after if code in before]
    if kept != kept_now:
        yield PolicyChange("order of the offers", f"{', '.join(kept)} -> {', '.join(kept_now)}; earlier ones win ties")


def _dump_offer(offer: OfferDocument) -> dict[str, Any]:
    dump = offer.model_dump(by_alias=True, exclude_none=True)
    return dump | {"measured": _name_segments(dump["measured"])} if offer.measured else dump


def _differences(old: Any, new: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Find the places at which two nested mappings differ, with what stands there, in words."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            below = f"{place}: {key}" if place else str(key)
            yield from _differences(old.get(key), new.get(key), below)
    elif old != new:
        yield place, f"{_words(old)} -> {_words(new)}"


def _words(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items()) or NOTHING
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_words, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
