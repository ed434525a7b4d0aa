"""What Argo Rollouts and Flagger ask, read from a request and bounded."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from churn.errors import DataError

type Hook = Literal["rollout", "confirm-traffic-increase", "confirm-promotion", "rollback"]

HOOKS: Final[tuple[Hook, ...]] = get_args(Hook.__value__)
MOST_LETTERS: Final = 253  # of a name in Kubernetes

type Name = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
# With all requests at the canary, nothing of stable is left to compare with.
type Weight = Annotated[int, Field(ge=1, le=99)]


class Question(BaseModel):
    """What Argo's web metric asks in the query.

    Args:
        analysis: what is judged, such as the hash of the new revision's pods.
        weight: percent of the requests that the canary gets; without it the split of the requests is not judged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    analysis: Name
    weight: Weight | None = None


class Call(BaseModel):
    """What Flagger sends to a webhook. Fields of later versions are not read.

    Args:
        checksum: of the canary's spec and configuration, so it names what is judged.
        metadata: as the webhook's manifest has it: `token`, and `weight` if the canary has one weight only.
    """

    model_config = ConfigDict(frozen=True)

    name: Name
    namespace: Name
    checksum: Name
    metadata: Mapping[str, str] = Field(default_factory=dict)

    @property
    def token(self) -> str:
        """Return the token that the manifest gives; empty without one."""
        return self.metadata.get("token", "")


def read_question(query: Mapping[str, str]) -> Question:
    """Read a query.

    Raises:
        DataError: it is no question; says why.
    """
    return _read(Question, query, "ask as /verdict?analysis=NAME&weight=10")


def read_call(body: bytes) -> Call:
    """Read the body of Flagger's call.

    Raises:
        DataError: it is none; says why.
    """
    try:
        return Call.model_validate_json(body)
    except ValidationError as error:
        raise DataError(_describe(error), instead="call it as a webhook of Flagger does") from error


def question_from_call(call: Call) -> Question:
    """Return what Flagger asks.

    Raises:
        DataError: `weight` in the metadata is none.
    """
    analysis = f"{call.namespace}/{call.name}/{call.checksum}"[-MOST_LETTERS:]
    weight = {"weight": call.metadata["weight"]} if call.metadata.get("weight") else {}
    return _read(Question, {"analysis": analysis, **weight}, "give `weight` in the metadata as a text such as '10'")


def _read(kind: type[Question], values: Mapping[str, str], instead: str) -> Question:
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        raise DataError(_describe(error), instead=instead) from error


def _describe(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, wrong['loc'])) or 'body'}: {wrong['msg']}" for wrong in error.errors())
