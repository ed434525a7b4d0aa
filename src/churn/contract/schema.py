"""What a request of a contract holds, as JSON Schema says it."""

from typing import Any

from churn.contract.date_specs import DateSpec
from churn.contract.declaration import Contract

HOW_WRITTEN = (
    "A date as ISO 8601 has it. A date-time with a zone counts by its day in UTC. No day after today's in UTC, but for "
    "the one that has begun in the east."
)


def build_request_schema(contract: type[Contract]) -> dict[str, Any]:
    """Return the JSON schema of a request."""
    schema = contract.model_json_schema()
    put_dates(contract, schema)
    return schema


def put_dates(contract: type[Contract], schema: dict[str, Any]) -> None:
    """Put dates in the place of the features that are derived from them. A contract without dates stays as it is."""
    if not contract.dates:
        return
    schema["properties"] = {
        spec.name: _describe_date(spec) if isinstance(spec, DateSpec) else schema["properties"][spec.name]
        for spec in contract.inputs
    }
    schema["required"] = [spec.name for spec in contract.inputs if spec.is_required]


def _describe_date(spec: DateSpec) -> dict[str, Any]:
    known = {"type": "string", "format": "date"}
    names = " and ".join(feature.name for feature in spec.features)
    return {
        **({"anyOf": [known, {"type": "null"}], "default": None} if spec.is_nullable else known),
        "description": f"{spec.declaration.meaning} {HOW_WRITTEN} Who has {names} already may send that in its place.",
        "examples": [spec.declaration.example],
        "title": spec.label,
        "x-label": spec.label,
        "x-meaning": spec.declaration.meaning,
        "x-values-of-derived": {
            feature.name: [feature.name_value(category) for category in feature.categories]
            for feature in spec.features
            if feature.categories
        },
        "x-derives": {feature.name: feature.label for feature in spec.features},
        **({"x-earlier-names": [*spec.declaration.earlier_names]} if spec.declaration.earlier_names else {}),
    }
