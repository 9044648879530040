"""The pages behind the links that show: one alert as it is now, or those that a message lists, for a
day, no code needed; with the code of the message, they act as well."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from tocsin.access.link_codes import is_locked
from tocsin.access.links import Expired, LinkAction, LinkSigner, Token
from tocsin.console.frame.pages import (
    about,
    alert_gone,
    console_place,
    database_away,
    find_alerts,
    link_broken,
    link_expired,
    page,
)
from tocsin.model import utc_now
from tocsin.store import failures
from tocsin.store.database import Engine, reading

log = structlog.get_logger(__name__)


def create_alert_page(engine: Engine, signer: LinkSigner) -> Starlette:
    """The ASGI application to mount at `/alerts`: `/{alert_id}?view=TOKEN`, and
    `/listed/{alert_delivery_id}?view=TOKEN` for the alerts that a message lists."""

    async def answer(request: Request, action: LinkAction) -> Response:
        subject: UUID = request.path_params["id"]
        text = request.query_params.get("view", "")
        token = signer.read(text, utc_now())
        if isinstance(token, Expired):
            return link_expired(token.token)
        if (
            not isinstance(token, Token)
            or token.action is not action
            or token.subject_id != subject
        ):
            return link_broken()
        return await _show(engine, signer, text, token)

    async def one(request: Request) -> Response:
        return await answer(request, LinkAction.VIEW)

    async def listed(request: Request) -> Response:
        return await answer(request, LinkAction.VIEW_LISTED)

    return Starlette(
        routes=[
            Route("/{id:uuid}", one, methods=["GET"]),
            Route("/listed/{id:uuid}", listed, methods=["GET"]),
        ]
    )


def is_linked_alert(scope: Scope) -> bool:
    """Whether a request comes by a link of a message, rather than from a page of the console."""
    return scope["path"].startswith("/alerts/") and b"view=" in scope.get("query_string", b"")


async def _show(engine: Engine, signer: LinkSigner, text: str, token: Token) -> Response:
    """`text` is the token as it came."""
    try:
        alerts = await find_alerts(engine, token, utc_now())
        if not alerts:
            return alert_gone()
        acting = [
            (verb, act)
            for verb, each in _acts(token)
            if any(alert.admits(each) for alert in alerts)
            for act in (signer.for_action(text, each),)
        ]
        locked = bool(acting) and await _is_locked(engine, signer, acting[0][1])
    except failures.FAILED as error:
        log.warning(
            "the page of a message's link cannot reach the database", error=type(error).__name__
        )
        return database_away("Tocsin cannot reach its database; try again in a moment.")
    values: dict[str, Any] = {**about(token, alerts), "places": [console_place(token)]}
    several = token.action.is_of_several
    if not acting:
        over = f"{'They have' if several else 'It has'} ended; nothing is left to do."
        values["message"] = over
    elif locked:
        values["message"] = "Too many wrong codes were typed: sign in to act on it."
    elif token.recipient:
        # From `/alerts/ID`, or `/alerts/listed/ID`, to `/a/TOKEN`.
        up = "../../a/" if several else "../a/"
        values["buttons"] = [(verb, f"{up}{act}") for verb, act in acting]
        values["recipient"] = token.recipient
    else:
        what = "them" if several else "it"
        values["message"] = (
            f"To acknowledge or resolve {what}, use the links in the message, or sign in."
        )
    return page(HTTPStatus.OK, "Alerts" if several else "Alert", **values)


def _acts(token: Token) -> tuple[tuple[str, LinkAction], ...]:
    """What its message's other links do."""
    if token.action.is_of_several:
        return (
            ("Acknowledge", LinkAction.ACKNOWLEDGE_LISTED),
            ("Resolve", LinkAction.RESOLVE_LISTED),
        )
    return ("Acknowledge", LinkAction.ACKNOWLEDGE), ("Resolve", LinkAction.RESOLVE)


async def _is_locked(engine: Engine, signer: LinkSigner, text: str) -> bool:
    async with reading(engine) as session:
        return await is_locked(session, signer, text)
