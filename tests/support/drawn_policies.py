"""Generators of policies, derived from a contract as everything else is."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.retention.offers.policy import Policy, build_policy, parse_policy

DOLLARS = st.integers(1, 40_000).map(lambda cents: cents / 100)
SHARES = st.integers(0, 100).map(lambda percent: percent / 100)
NEAR_DAYS = st.integers(-3, 400)
TEXT = {"en": "Something for you"}


@st.composite
def policies(draw: st.DrawFn, contract: type[Contract]) -> Policy:
    """Valid policies: offers that have expired, cost more than they bring, or fit nobody are among them."""
    prices: list[FeatureSpec] = [spec for spec in contract.features if spec.currency and not spec.marker.protected]
    prices = [spec for spec in prices if spec.kind in {"integer", "number"}]
    has_price = draw(st.booleans())
    price = prices[0] if prices and has_price else None
    offers = draw(st.integers(0, 4))
    document: dict[str, Any] = {
        "version": "1",
        "contract": contract.contract_name,
        "languages": ["en"],
        "headlines": {"with_offer": TEXT, "without_offer": TEXT},
        "holdout": {"share": draw(SHARES), "experiment": draw(st.sampled_from(["one", "two"]))},
        "cooldown": {"days": draw(st.integers(0, 30))},
        "offer": [draw(_offers(contract, f"offer-{at}", has_price=bool(price))) for at in range(offers)],
    }
    if price:
        source = "Assumed for tests."
        document["price_field"] = price.name
        document["assumptions"] = {
            "margin_share": draw(SHARES),
            "margin_share_source": source,
            "months_kept": draw(st.integers(1, 120)),
            "months_kept_source": source,
        }
    content = "".join(f"{name} = {_write(value)}\n" for name, value in document.items()).encode()
    return build_policy(parse_policy(content, Path("drawn.toml")), contract, languages=list_languages(contract))


@st.composite
def _offers(draw: st.DrawFn, contract: type[Contract], code: str, *, has_price: bool) -> dict[str, Any]:
    groups = sorted({spec.group for spec in contract.features if spec.is_showable})
    fields = {spec.name: spec for spec in contract.features if not spec.marker.protected}
    answered = sorted(draw(st.sets(st.sampled_from(groups), min_size=1)))
    conditioned = sorted(draw(st.sets(st.sampled_from([*fields]), max_size=2)))
    take_up = draw(SHARES)
    offer: dict[str, Any] = {
        "code": code,
        "title": TEXT,
        "cost_dollars": draw(DOLLARS),
        "take_up": take_up,
        "saves": {group: draw(SHARES) * take_up for group in answered},
        "source": "Assumed for tests.",
        "expires": (datetime.now(UTC) + timedelta(days=draw(NEAR_DAYS))).date(),
        "eligible": {name: draw(_conditions(fields[name])) for name in conditioned},
        "disclosures": {"en": []},
    }
    if not has_price:
        offer["worth_dollars"] = draw(DOLLARS)
    if draw(st.booleans()):
        kind = draw(st.sampled_from(["percent", "dollars"])) if has_price else "dollars"
        amounts = {kind: draw(st.integers(1, 100)), "cap_dollars": draw(DOLLARS)}
        offer["discount"] = amounts | {"months": draw(st.integers(1, 12))}
    return offer


def _conditions(spec: FeatureSpec) -> st.SearchStrategy[dict[str, Any]]:
    if spec.kind == "category":
        return st.fixed_dictionaries({"is": st.lists(st.sampled_from(spec.categories), min_size=1)})
    if spec.kind == "boolean":
        return st.fixed_dictionaries({"is": st.lists(st.booleans(), min_size=1)})
    assert spec.lower is not None
    assert spec.upper is not None
    return st.fixed_dictionaries({"at_least": st.floats(spec.lower, spec.upper)})


def _write(value: Any) -> str:
    """Write a value as TOML."""
    match value:
        case dict():
            return "{" + ", ".join(f"{name} = {_write(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_write, value)) + "]"
        case bool() | str():
            return json.dumps(value)
    return str(value)
