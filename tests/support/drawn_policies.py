"""Generators of policies, derived from a contract as everything else is."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.retention.offers.policy import Policy, build_policy, parse_policy

DOLLARS = st.integers(1, 40_000).map(lambda cents: cents / 100)
SHARES = st.integers(0, 100).map(lambda percent: percent / 100)
STRENGTHS = st.integers(-100, 100).map(lambda percent: percent / 100)
SEGMENTS = ("first", "second")
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
        "without_offer": draw(st.sampled_from(["reasons", "nothing"])),
        "explore": {"share": draw(SHARES), "below_threshold": draw(SHARES), "period_days": draw(st.integers(1, 90))},
        "segment": [{"name": name, "when": draw(_when(contract))} for name in SEGMENTS[: draw(st.integers(0, 2))]],
    }
    names = [segment["name"] for segment in document["segment"]]
    document["offer"] = [draw(_offers(contract, f"offer-{at}", names, has_price=bool(price))) for at in range(offers)]
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
def _offers(
    draw: st.DrawFn, contract: type[Contract], code: str, segments: Sequence[str], *, has_price: bool
) -> dict[str, Any]:
    groups = sorted({spec.group for spec in contract.features if spec.is_showable})
    answered = sorted(draw(st.sets(st.sampled_from(groups), min_size=1)))
    take_up = draw(SHARES)
    offer: dict[str, Any] = {
        "code": code,
        "title": TEXT,
        "cost_dollars": draw(DOLLARS),
        "take_up": take_up,
        "saves": {group: draw(SHARES) * take_up for group in answered},
        "source": "Assumed for tests.",
        "expires": (datetime.now(UTC) + timedelta(days=draw(NEAR_DAYS))).date(),
        "eligible": draw(_when(contract, least=0)),
        "leavers_use": draw(SHARES),
        "explore": draw(st.booleans()),
        "disclosures": {"en": []},
    }
    if not has_price:
        offer["worth_dollars"] = draw(DOLLARS)
    if draw(st.booleans()):
        kind = draw(st.sampled_from(["percent", "dollars"])) if has_price else "dollars"
        amounts = {kind: draw(st.integers(1, 100)), "cap_dollars": draw(DOLLARS)}
        offer["discount"] = amounts | {"months": draw(st.integers(1, 12))}
    if draw(st.booleans()):
        measured = draw(st.sets(st.sampled_from(segments))) if segments else set()
        offer["measured"] = {
            "experiment": "one",
            "from": date(2026, 1, 1),
            "until": date(2026, 6, 30),
            "subscribers": 10,
            "take_up": _estimate(draw(SHARES)),
            "leavers_use": _estimate(draw(SHARES)),
            "strength": _estimate(draw(STRENGTHS)),
            "segment": [
                {"name": name, "subscribers": 5, "strength": _estimate(draw(STRENGTHS))} for name in sorted(measured)
            ],
        }
    return offer


def _estimate(value: float) -> dict[str, Any]:
    return {"value": value, "low": value, "high": value}


@st.composite
def _when(draw: st.DrawFn, contract: type[Contract], *, least: int = 1) -> dict[str, Any]:
    """Conditions on at least so many fields."""
    fields = {spec.name: spec for spec in contract.features if not spec.marker.protected}
    names = sorted(draw(st.sets(st.sampled_from([*fields]), min_size=least, max_size=2)))
    return {name: draw(_conditions(fields[name])) for name in names}


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
