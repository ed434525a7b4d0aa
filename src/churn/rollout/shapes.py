"""Compare what both tracks take: a version that would refuse what every caller of the other sends is not rolled out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from churn.errors import RolloutError
from churn.judging.metrics import PREDICT_ROUTE
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.state import Bundle

MOST_NAMED = 5


class Shape(NamedTuple):
    """Hold all names that the fields of a request may have, and the names of each field that it must have."""

    names: frozenset[str]
    required: tuple[frozenset[str], ...]


def require_common_shape(
    served: Mapping[Track, Bundle], read_documents: Callable[[], Mapping[Track, Mapping[str, Any]]]
) -> None:
    """Refuse a canary that would answer 422 to everybody. The documents are read only if the fingerprints differ.

    Raises:
        RolloutError: it would, or the documents do not tell.
    """
    fingerprints = {served[track].contract_fingerprint for track in TRACKS}
    if len(fingerprints) == 1 and "" not in fingerprints:
        return
    documents = read_documents()
    if why := describe_refusal(*(shape_from_document(documents[track]) for track in TRACKS)):
        raise RolloutError(
            f"the canary would answer 422 to every request that {served['stable'].version} takes: {why}",
            instead="follow the order of deployment in docs/changing-a-contract.md",
        )


def describe_refusal(stable: Shape, canary: Shape) -> str:
    """Say why the canary refuses every request that stable takes; empty if there are requests that both take."""
    texts = []
    if lacking := [min(names) for names in canary.required if not names & stable.names]:
        texts.append(f"it requires {_name(lacking)}, which nobody sends yet")
    if unknown := [min(names) for names in stable.required if not names & canary.names]:
        texts.append(f"it does not know {_name(unknown)}, which everybody sends")
    return "; ".join(texts)


def shape_from_document(document: Mapping[str, Any]) -> Shape:
    """Read what /predict takes from an OpenAPI document.

    Raises:
        RolloutError: it does not tell.
    """
    try:
        body = document["paths"][PREDICT_ROUTE]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        names = {
            name: frozenset([name, *field.get("x-earlier-names", ())]) for name, field in schema["properties"].items()
        }
        required = tuple(names[name] for name in schema.get("required", ()))
        return Shape(frozenset().union(*names.values()), required)
    except (LookupError, TypeError, AttributeError) as error:
        raise RolloutError(
            f"the OpenAPI document of an instance does not tell what {PREDICT_ROUTE} takes",
            instead="see that the instances are services of this program",
        ) from error


def _name(fields: Iterable[str]) -> str:
    named = sorted(fields)
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return ", ".join(named[:MOST_NAMED]) + more
