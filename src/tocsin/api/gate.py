"""The gate before every route: a caller without a key is refused before anything is routed or read.

Plain ASGI, so that it also applies to addresses and methods that do not exist. It also answers what
escapes the routes (our own faults), so that a caller always gets a problem and never a stack trace.
"""

from __future__ import annotations

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.access.api_keys import authenticate
from tocsin.api.auth import bearer_key
from tocsin.api.context import context_of
from tocsin.api.problem_answers import RETRY_AFTER_SECONDS, problem_response
from tocsin.deadline import within
from tocsin.model import utc_now
from tocsin.store import failures

_log = structlog.get_logger(__name__)


CALL_SECONDS = 15.0
"""For one call from its head to its answer. Statements end sooner by themselves; what is left is a
database, or a network before it, that does not even say so."""


class Gate:
    def __init__(self, app: ASGIApp, public: frozenset[str]) -> None:
        """`public` are the addresses below the mount point that need no key."""
        self._app = app
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
            send = _without_body(send)
        started = ended = False

        async def watched(message: Message) -> None:
            nonlocal started
            if not ended:
                started = started or message["type"] == "http.response.start"
                await send(message)

        seconds = max(CALL_SECONDS, context_of(scope).settings.body_timeout_seconds + 5)
        try:
            await within(seconds, self._enter(scope, receive, watched))
        except TimeoutError:
            ended = True
            _log.warning(
                "the API took too long to answer a request", method=scope["method"], seconds=seconds
            )
            if not started:
                await _database_away(scope, receive, send)
        except failures.AWAY as error:
            _log.warning("the API cannot reach the database", error=type(error).__name__)
            if not started:
                await _database_away(scope, receive, send)
        except Exception:
            # Not the exception's text: it may quote a statement's parameters.
            _log.exception(
                "the API failed to answer a request", method=scope["method"], path=scope["path"]
            )
            if not started:
                response = problem_response(
                    scope, "internal-error", "The request could not be handled; it is in the log."
                )
                await response(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        # A caller inside this process (the command line) says itself who it is; what comes in over
        # a socket cannot: a server makes the scope, and puts nothing of the request's there.
        if path not in self._public and "tocsin.principal" not in scope:
            key = bearer_key(scope)
            principal = None
            if key is not None:
                async with context_of(scope).reading() as session:
                    principal = await authenticate(session, key, utc_now())
            if principal is None:
                response = problem_response(
                    scope,
                    "unauthorized",
                    "Send an API key as `Authorization: Bearer tsn_…`."
                    if key is None
                    else "The API key is unknown, revoked or expired.",
                    headers={"WWW-Authenticate": 'Bearer realm="tocsin"'},
                )
                await response(scope, receive, send)
                return
            scope["tocsin.principal"] = principal
        await self._app(scope, receive, send)


async def _database_away(scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(
        scope,
        "database-unavailable",
        "The database cannot be reached just now.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
    await response(scope, receive, send)


def _without_body(send: Send) -> Send:
    """The answer to HEAD: that of GET, headers and all, less its content (RFC 9110, 9.3.2)."""

    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return headers_only
