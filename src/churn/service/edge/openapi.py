"""The interface as an OpenAPI document, derived from the contract and the answers' own models."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from churn.answers import PredictionAnswer, RetentionAnswer
from churn.contract.declaration import Contract
from churn.contract.schema import put_dates
from churn.service.edge.callers import OPEN
from churn.service.edge.parameters import describe_header
from churn.service.edge.problems import ProblemDetails, describe_errors

# What any request may get, before or beside its route.
EVERYWHERE = describe_errors(400, 404, 405, 408, 431, 500, 503)
REQUEST_HEADERS = {
    "X-Request-ID": (
        "The caller's id: a UUID, a ULID, 16 to 32 hex digits or an AWS trace id. Other text is only sent back.",
        {"type": "string"},
    ),
    "traceparent": (
        "W3C Trace Context. Its trace goes on here, if this service sends traces.",
        {"type": "string"},
    ),
}
HEADERS = {
    "X-Response-Time-Ms": {"description": "Milliseconds until the answer began.", "schema": {"type": "number"}},
    "X-Model-Version": {"description": "The version of the model that is served.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "The request's own id, or a new one.", "schema": {"type": "string"}},
}
BEARER = {"type": "http", "scheme": "bearer", "description": "A caller's key, where the service asks for one."}
NEEDS_KEY = describe_errors(401, 403)
HEADERS_OF_ERRORS = {
    "WWW-Authenticate": {"description": "How to send a key: `Bearer`.", "schema": {"type": "string"}},
    "Allow": {"description": "The methods that this path takes.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to send the request again.", "schema": {"type": "integer"}},
}
HEADERS_OF_STATUS = {"401": ["WWW-Authenticate"], "405": ["Allow"], "503": ["Retry-After"]}


def build_document(app: FastAPI, contract: type[Contract], *sent: type[BaseModel]) -> dict[str, Any]:
    """Return what FastAPI knows of the routes, with the contract, the errors and the headers of all responses.

    `sent` are other models of what callers send.
    """
    document = app.openapi()
    _, schemas = models_json_schema(
        [(contract, "validation"), *((model, "validation") for model in sent), (ProblemDetails, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    for spec in contract.features:
        described = schemas["$defs"][contract.__name__]["properties"][spec.name]
        described["x-label"] = spec.label
        if spec.categories:
            described["x-labels-of-values"] = {name: spec.name_value(name) for name in spec.categories}
        if spec.earlier_names:
            described["x-earlier-names"] = [*spec.earlier_names]
    put_dates(contract, schemas["$defs"][contract.__name__])
    document["components"]["schemas"] |= schemas["$defs"]
    if not any(spec.is_nullable for spec in contract.features):  # then no answer has null in place of a value
        properties = document["components"]["schemas"]["Reason"]["properties"]
        properties["value"] = properties["value"].pop("anyOf")[0] | properties["value"]
    for answer in (PredictionAnswer, RetentionAnswer):
        reasons = document["components"]["schemas"][answer.__name__]["properties"]["top_reasons"]
        reasons |= {"minItems": 0, "maxItems": len(contract.features)}
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    document["servers"] = [{"url": "/", "description": "The host that serves this document."}]
    document["security"] = [{"bearer": []}, {}]  # the document is the same where no keys are set
    components = document["components"]
    components["securitySchemes"] = {"bearer": BEARER}
    components["headers"] = HEADERS | HEADERS_OF_ERRORS
    components["parameters"] = {
        name: describe_header(name, description, schema) for name, (description, schema) in REQUEST_HEADERS.items()
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in OPEN:
                operation["security"] = []
            errors = EVERYWHERE if path in OPEN else EVERYWHERE | NEEDS_KEY
            operation["parameters"] = [*operation.get("parameters", ()), *_refer("parameters", REQUEST_HEADERS)]
            responses = {str(status): dict(response) for status, response in errors.items()} | operation["responses"]
            operation["responses"] = dict(sorted(responses.items()))
            for status, response in responses.items():
                names = [*HEADERS, *HEADERS_OF_STATUS.get(status, ())]
                response["headers"] = dict(zip(names, _refer("headers", names), strict=True))
    return document


def _refer(kind: str, names: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/{kind}/{name}"} for name in names]
