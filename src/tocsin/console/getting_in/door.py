"""Access to the console: who asks, with which session, and whether a form is one of ours.

Every page asks here first. What escapes a page (our own fault, the database away) is answered here too,
as a page, so that nobody ever sees a stack trace.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from tocsin.access.sessions import Visitor, find_visitor
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import PAGES, SAID_COOKIE, Frame, go, page
from tocsin.deadline import within
from tocsin.model import Role, Secret, utc_now
from tocsin.store import failures, workspace_rows
from tocsin.store.queries.sessions import work_in
from tocsin.store.tables import Alert

log = structlog.get_logger(__name__)

COOKIE = "tocsin_session"
CALL_SECONDS = 15.0
FORM_BYTES = 256 * 1024
FORM_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request of somebody who has signed in, at one moment."""

    request: Request
    context: ConsoleContext
    visitor: Visitor
    now: datetime

    @property
    def is_renewal(self) -> bool:
        """Asked by the script of a page that is open, for the part that changes."""
        return self.request.headers.get("x-live") == "1"

    @property
    def said(self) -> str:
        """What the page before this one did."""
        return "" if self.is_renewal else unquote(self.request.cookies.get(SAID_COOKIE, ""))

    def may(self, role: Role) -> bool:
        return self.visitor.role.includes(role)

    def frame(self, place: str, open_count: int = 0) -> Frame:
        pages = PAGES if self.visitor.has_tenants else PAGES - {"board"}
        return Frame(self.visitor, place, open_count, self.said, pages)

    async def alert_asked_for(self) -> Alert | None:
        """The alert that `?alert=` names, with which a form begins; None if it names none of theirs."""
        try:
            alert_id = UUID(self.request.query_params.get("alert", ""))
        except ValueError:
            return None
        async with self.context.reading() as session:
            return await workspace_rows.find(session, Alert, self.visitor.workspace_id, alert_id)

    async def form(self) -> Mapping[str, str]:
        """The fields of the form that was sent; of several of one name the last."""
        return dict(await self.fields())

    async def fields(self) -> list[tuple[str, str]]:
        """All fields of the form, in order."""
        cached: list[tuple[str, str]] = self.request.state.fields
        return cached


_AWAY: tuple[type[Exception], ...] = (TimeoutError, *failures.AWAY)

Page = Callable[[Call], Coroutine[Any, Any, Response]]


def opened(
    context: ConsoleContext, answer: Page, *, role: Role = Role.VIEWER
) -> Callable[[Request], Awaitable[Response]]:
    """A page for members. Forms take `role`; looking takes a viewer."""

    async def enter(request: Request) -> Response:
        return await guarded(_enter(request, context, answer, role))

    return enter


async def guarded(answer: Coroutine[Any, Any, Response]) -> Response:
    """The answer, or a page that says why there is none."""
    try:
        return await within(CALL_SECONDS, answer)
    except _AWAY as error:
        log.warning("the console cannot reach the database", error=type(error).__name__)
        return page(
            "trouble.html",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Retry-After": "5"},
            heading="Not just now",
            words="Tocsin cannot reach its database; webhooks are answered 503 and sent again by "
            "their senders. Try again in a moment.",
        )
    except Exception:
        # Not the exception's text: it may quote a statement's parameters.
        log.exception("the console failed to show a page")
        return page(
            "trouble.html",
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            heading="That went wrong",
            words="The fault is ours, and in the log with its time.",
        )


async def _enter(request: Request, context: ConsoleContext, answer: Page, role: Role) -> Response:
    now = utc_now()
    visitor = await visitor_of(request, context, now)
    if visitor is None:
        return _sign_in_first(request)
    call = Call(request, context, visitor, now)
    if request.method == "POST":
        refused = await _refuse(request, visitor, role)
        if refused is not None:
            return refused
    elif chosen := request.query_params.get("workspace"):
        return await _go_to_workspace(call, chosen)
    return await answer(call)


async def visitor_of(request: Request, context: ConsoleContext, now: datetime) -> Visitor | None:
    token = request.cookies.get(COOKIE)
    if not token or len(token) > 100:
        return None
    async with context.reading() as session:
        return await find_visitor(session, Secret(token), now)


def _sign_in_first(request: Request) -> Response:
    if request.headers.get("accept", "") == "text/event-stream":
        # What a browser takes as the end of a stream. A page in its place is a fault in its console.
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if request.headers.get("hx-request") == "true" or request.method != "GET":
        return page(
            "trouble.html",
            status=HTTPStatus.UNAUTHORIZED,
            heading="You are signed out",
            words="Sign in again; nothing was changed.",
            link=("/login", "Sign in"),
        )
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = request.url.path + query
    return go("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}")


async def _refuse(request: Request, visitor: Visitor, role: Role) -> Response | None:
    """Why a form is not taken; None if it is, with its fields read."""
    fields = await read_form(request)
    if fields is None:
        return page(
            "trouble.html",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            heading="That form is too large",
            words="Nothing was changed.",
        )
    request.state.fields = fields
    sent = request.headers.get("x-csrf-token") or dict(fields).get("csrf_token", "")
    if not is_from_here(request) or not hmac.compare_digest(
        sent.encode(), visitor.csrf_token.encode()
    ):
        return page(
            "trouble.html",
            status=HTTPStatus.FORBIDDEN,
            heading="That form is out of date",
            words="Nothing was changed. Go back, load the page again, and repeat it.",
        )
    if not visitor.role.includes(role):
        return page(
            "trouble.html",
            status=HTTPStatus.FORBIDDEN,
            heading="You may look, and not change this",
            words=f"This takes the role {role.value}; yours in {visitor.workspace_name} is "
            f"{visitor.role.value}. An admin can give it to you.",
        )
    return None


def is_from_here(request: Request) -> bool:
    """Whether a browser says that a page of this server sent it; one that says nothing is believed."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def read_form(request: Request) -> list[tuple[str, str]] | None:
    """Its fields; None if it is too large."""
    body = b""

    async def read() -> bytes | None:
        nonlocal body
        async for part in request.stream():
            body += part
            if len(body) > FORM_BYTES:
                return None
        return body

    found = await within(FORM_SECONDS, read())
    if found is None:
        return None
    text = found.decode("utf-8", "replace").replace("\0", "")
    return parse_qsl(text, keep_blank_values=True, max_num_fields=2_000)


async def _go_to_workspace(call: Call, slug: str) -> Response:
    """A shared address names its workspace once; after that the session knows it."""
    place = next((each for each in call.visitor.places if each.slug == slug), None)
    if place is None:
        return page(
            "trouble.html",
            status=HTTPStatus.NOT_FOUND,
            heading="No such workspace",
            words="It is not there, or you are not a member of it.",
            link=("/", "Home"),
        )
    async with call.context.writing() as session:
        await work_in(session, call.visitor.session_id, place.workspace_id)
    kept = [(k, v) for k, v in call.request.query_params.multi_items() if k != "workspace"]
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in kept)
    return go(call.request.url.path + (f"?{query}" if query else ""))


def absent(call: Call, what: str, back: tuple[str, str]) -> Response:
    """`back` is where to go instead: the address of a page of the navigation, and its name."""
    return page(
        "absent.html",
        call.frame(back[0].strip("/")),
        HTTPStatus.NOT_FOUND,
        heading=f"No such {what}",
        back=back,
    )
