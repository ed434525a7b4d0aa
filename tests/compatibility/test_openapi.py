"""The HTTP interface has all that it had: something may be added, nothing may change or go."""

import copy
from typing import Any

import pytest
from support.earlier import EARLIER, earlier_json
from support.in_process import InProcess

from churn.model.bundle import load_bundle
from churn.service.app import create_app
from churn.settings import Settings

# Words for people may change.
WORDS = {"description", "summary", "title", "info", "example", "examples"}
# Their keys are names, be they such as those above.
NAMED = {"properties", "schemas", "paths", "responses", "headers", "content", "parameters"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    bundle = load_bundle(EARLIER / "bundles" / "streamflow" / "v0.0.1")
    with InProcess(create_app(Settings(prediction_log="off"), bundle=bundle)) as service:
        found: dict[str, Any] = service.get("/openapi.json").json()
    return found


def before() -> Any:
    """The document of the earlier version, but for what was changed on purpose.

    The day in `X-Last-Offer` was of the format `date`, for which a generator of Python clients left out /predict.
    """
    document = earlier_json("openapi.json")
    for parameter in document["paths"]["/predict"]["post"]["parameters"]:
        if parameter["name"] == "X-Last-Offer":
            del parameter["schema"]["format"]
    return document


def changes(old: Any, new: Any, place: str = "") -> list[str]:
    """Name what the new document lacks or says otherwise, but for words."""
    if isinstance(old, dict) and isinstance(new, dict):
        words = set() if place.rpartition("/")[2] in NAMED else WORDS
        found = []
        for key in old.keys() - words:
            found += changes(old[key], new[key], f"{place}/{key}") if key in new else [f"{place}/{key} is missing"]
        return found
    if isinstance(old, list) and isinstance(new, list):
        return [f"{place}: {item} is missing" for item in old if all(changes(item, other, place) for other in new)]
    return [] if old == new else [f"{place}: {new!r} instead of {old!r}"]


def test_every_path_field_and_response_is_still_there(document: dict[str, Any]) -> None:
    assert changes(before(), document) == []


def test_nothing_more_must_be_sent(document: dict[str, Any]) -> None:
    old = earlier_json("openapi.json")
    assert (
        document["components"]["schemas"]["Subscriber"]["required"]
        == old["components"]["schemas"]["Subscriber"]["required"]
    )
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            assert required(document["paths"][path][method]) == required(operation)


def required(operation: dict[str, Any]) -> list[str]:
    return [each["name"] for each in operation.get("parameters", []) if each.get("required")]


@pytest.mark.parametrize(
    "where",
    [
        ("paths", "/predict/batch"),
        ("paths", "/predict", "post", "responses", "422"),
        ("components", "schemas", "Offer", "properties", "title"),
        ("components", "schemas", "Offer", "properties", "expires", "type"),
    ],
)
def test_what_goes_would_be_noticed(document: dict[str, Any], where: tuple[str, ...]) -> None:
    poorer = copy.deepcopy(document)
    *above, last = where
    holder = poorer
    for key in above:
        holder = holder[key]
    del holder[last]
    assert changes(before(), poorer) == [f"/{'/'.join(where)} is missing"]
