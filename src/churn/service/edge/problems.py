"""Everything that can go wrong, in one shape: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException

from churn.contract.subscriber import SubscriberError
from churn.contract.wording import Code, FieldError, cut
from churn.service.counting.counters import kind_from_status

MEDIA_TYPE = "application/problem+json"

# After these the rest of a body is not read.
ENDS_CONNECTION = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
)
# RFC 9110's names, where Python's differ from one version to the next.
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


class ProblemDetails(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(frozen=True)

    type: Annotated[
        str, Field(description="A URI for the kind of problem; `about:blank` says that the status tells all.")
    ] = "about:blank"
    title: Annotated[str, Field(description="The HTTP status in words.")]
    status: int
    detail: Annotated[str, Field(description="What is wrong with this request, and what to do instead.")]
    request_id: Annotated[
        str, Field(description="The id in the log: the X-Request-ID that came, if it is an id, else a new one.")
    ]
    errors: Annotated[
        list[FieldError] | SkipJsonSchema[None], Field(description="Present when fields are to blame.")
    ] = None


class Problem(Exception):  # noqa: N818 - RFC 9457's own word for it
    """A request that gets an error for an answer.

    Args:
        status: the HTTP status.
        detail: what is wrong, and what to do instead.
        errors: the fields to blame, if fields are.
        headers: headers the status calls for, such as Allow.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers

    @property
    def kind(self) -> str:
        """The kind under which it is counted."""
        return kind_from_status(self.status)

    def build_response(self, request_id: str) -> Response:
        """Return the problem as a response."""
        details = ProblemDetails(
            title=title_from_status(self.status),
            status=self.status,
            detail=self.detail,
            request_id=request_id,
            errors=list(self.errors) or None,
        )
        return Response(details.model_dump_json(exclude_none=True), self.status, self.headers, MEDIA_TYPE)


def refuse_field(name: str, code: Code, message: str) -> Problem:
    """Return the problem of one field, parameter or header. The message goes on after its name."""
    error = FieldError(field=cut(name), code=code, message=f"{cut(name)} {message}")
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.message, errors=[error])


def title_from_status(status: int) -> str:
    """Return a status in words, the same on every Python."""
    return TITLES.get(status) or HTTPStatus(status).phrase


def describe_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of an operation's errors."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {status: {"description": title_from_status(status), "content": content} for status in statuses}


async def answer_problem(request: Request, error: Exception) -> Response:
    """Answer a problem, a subscriber that the contract refuses, or an error of routing."""
    problem = error if isinstance(error, Problem) else _problem_from_error(error)
    # The frames of a traceback hold the body and its rows, and the connection holds the problem till its next request.
    problem.__traceback__ = None
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        problem.__cause__ = problem.__context__ = None
    request.state.problem = problem
    response = problem.build_response(request.state.request_id)
    if problem.status in ENDS_CONNECTION:
        response.headers["Connection"] = "close"
    return response


def _problem_from_error(error: Exception) -> Problem:
    if isinstance(error, SubscriberError):
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.message, errors=error.errors)
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    details = {
        HTTPStatus.NOT_FOUND: "nothing is served at this path; /openapi.json lists what is",
        HTTPStatus.METHOD_NOT_ALLOWED: f"this path does not take that method; use {headers.get('Allow')}",
    }
    return Problem(status, details.get(status, error.detail), headers=headers)
