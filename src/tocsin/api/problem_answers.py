"""Problems as the API's errors: raised anywhere below a route, answered in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Scope

from tocsin.model import Fault
from tocsin.problems import MEDIA_TYPE, PROBLEMS, problem_body
from tocsin.resources.errors import (
    InvalidRequest,
    MissingReference,
    NotInWorkspace,
    NotPermitted,
    ResourceError,
    StillNeeded,
)
from tocsin.store import failures
from tocsin.store.paging import BadCursor
from tocsin.store.workspace_rows import NameTaken

RETRY_AFTER_SECONDS = 5


class ApiProblem(HTTPException):
    """Ends a request with the problem `slug`.

    It is an `HTTPException` so that the framework passes it on from wherever it is raised, the
    reading of the body included.
    """

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(PROBLEMS[slug].status, detail, headers=headers)
        self.slug = slug
        self.errors = tuple(errors)


def not_found(kind: str) -> ApiProblem:
    return ApiProblem("not-found", f"There is no such {kind} in this workspace.")


def _missing_reference(kind: str, pointer: str) -> ApiProblem:
    """The body names something by id that is not in the caller's workspace."""
    message = f"there is no such {kind} in this workspace"
    return ApiProblem(
        "not-found",
        f"The body names something that is not there: {message}.",
        errors=[Fault(pointer, "not-found", message)],
    )


def invalid(faults: Sequence[Fault]) -> ApiProblem:
    count = len(faults)
    things = "One thing is" if count == 1 else f"{count} things are"
    return ApiProblem("validation-failed", f"{things} wrong with the request.", errors=faults)


def instance_of(scope: Scope) -> str:
    """The address of the request as a URI reference; whatever was sent, it is plain ASCII."""
    return quote(scope["path"], safe="/-._~:@!$&'()*+,;=")


def problem_response(
    scope: Scope,
    slug: str,
    detail: str,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    return Response(
        problem_body(slug, detail, instance_of(scope), errors),
        status_code=PROBLEMS[slug].status,
        media_type=MEDIA_TYPE,
        headers=None if headers is None else dict(headers),
    )


_SLUGS = {400: "malformed-request", 404: "not-found", 405: "method-not-allowed"}


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, ApiProblem):
        return problem_response(
            request.scope, error.slug, error.detail, error.errors, error.headers
        )
    slug = _SLUGS.get(error.status_code, "internal-error")
    headers = dict(error.headers or {})
    detail = "There is nothing at this address."
    if slug == "method-not-allowed":
        allowed = request.app.state.methods_at(request.scope)
        headers["Allow"] = ", ".join(allowed)
        detail = f"{request.method} is not known here; {headers['Allow']} are."
    elif slug != "not-found":
        detail = error.detail
    return problem_response(request.scope, slug, detail, headers=headers)


def _pointer(location: Sequence[Any]) -> str:
    steps = location[1:] if location and location[0] == "body" else location
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def faults_of(errors: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """Pydantic's errors as faults: never with the value that was sent, which may be a secret."""
    return [
        Fault(
            _pointer(error["loc"]),
            str(error["type"]).replace("_", "-"),
            _sentence(str(error["msg"])),
        )
        for error in errors
    ]


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem = invalid(faults_of(error.errors()))
    return problem_response(request.scope, problem.slug, problem.detail, problem.errors)


async def _answer_database_away(request: Request, error: Exception) -> Response:
    return problem_response(
        request.scope,
        "database-unavailable",
        "The database cannot be reached just now.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _alert_key_id(error: Exception) -> ApiProblem:
    """What the rooms below raise, as the problem that it is to a caller."""
    match error:
        case NotInWorkspace(kind=kind):
            return not_found(kind)
        case MissingReference(kind=kind, pointer=pointer):
            return _missing_reference(kind, pointer)
        case InvalidRequest(faults=faults):
            return invalid(faults)
        case StillNeeded(reason=reason):
            return ApiProblem("in-use", reason)
        case NotPermitted(reason=reason):
            return ApiProblem("forbidden", reason)
        case NameTaken():
            return ApiProblem(
                "name-taken", f"Another {error.kind} has the {error.field} {error.value!r}."
            )
        case BadCursor():
            return ApiProblem(
                "bad-cursor", "The cursor was not made by this list; begin without one."
            )
        case _:
            raise error


async def _answer_refused(request: Request, error: Exception) -> Response:
    return await _answer_http_exception(request, _alert_key_id(error))


def install(api: FastAPI) -> None:
    api.add_exception_handler(HTTPException, _answer_http_exception)
    api.add_exception_handler(RequestValidationError, _answer_invalid)
    for refusal in (ResourceError, NameTaken, BadCursor):
        api.add_exception_handler(refusal, _answer_refused)
    for kind in failures.AWAY:
        api.add_exception_handler(kind, _answer_database_away)
