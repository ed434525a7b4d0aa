"""The interface as an OpenAPI document, derived from the contract and the answers' own models."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from churn.answers import PredictionAnswer, RetentionAnswer
from churn.contract.declaration import Contract
from churn.service.edge.problems import ProblemDetails

HEADERS = {
    "X-Response-Time-Ms": {"description": "Milliseconds until the answer began.", "schema": {"type": "number"}},
    "X-Model-Version": {"description": "The version of the model that is served.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "The request's own id, or a new one.", "schema": {"type": "string"}},
}


def build_document(app: FastAPI, contract: type[Contract]) -> dict[str, Any]:
    """Return what FastAPI knows of the routes, with the contract, the errors and the headers of all responses."""
    document = app.openapi()
    _, schemas = models_json_schema(
        [(contract, "validation"), (ProblemDetails, "serialization")], ref_template="#/components/schemas/{model}"
    )
    document["components"]["schemas"] |= schemas["$defs"]
    for answer in (PredictionAnswer, RetentionAnswer):
        reasons = document["components"]["schemas"][answer.__name__]["properties"]["top_reasons"]
        reasons |= {"minItems": 0, "maxItems": len(contract.features)}
    document["components"]["headers"] = HEADERS
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                response["headers"] = references
    return document
