"""The pages behind the links that only show: one alert as it is now, or those that a message lists, for
a day, no code needed."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from tocsin.access.links import Expired, LinkAction, LinkSigner, Token
from tocsin.console.pages import (
    about,
    alert_gone,
    database_away,
    find_alerts,
    link_broken,
    link_expired,
    page,
)
from tocsin.model import utc_now
from tocsin.store import failures
from tocsin.store.database import Engine

log = structlog.get_logger(__name__)


def create_alert_page(engine: Engine, signer: LinkSigner) -> Starlette:
    """The ASGI application to mount at `/alerts`: `/{alert_id}?view=TOKEN`, and
    `/listed/{alert_delivery_id}?view=TOKEN` for the alerts that a message lists."""

    async def answer(request: Request, action: LinkAction, command: str) -> Response:
        subject: UUID = request.path_params["id"]
        token = signer.read(request.query_params.get("view", ""), utc_now())
        if isinstance(token, Expired):
            return link_expired(f"On the server, `tocsin {command} {subject}` shows it.")
        if (
            not isinstance(token, Token)
            or token.action is not action
            or token.subject_id != subject
        ):
            return link_broken()
        return await _show(engine, token)

    async def one(request: Request) -> Response:
        return await answer(request, LinkAction.VIEW, "alert")

    async def listed(request: Request) -> Response:
        return await answer(request, LinkAction.VIEW_LISTED, "delivery")

    return Starlette(
        routes=[
            Route("/{id:uuid}", one, methods=["GET"]),
            Route("/listed/{id:uuid}", listed, methods=["GET"]),
        ]
    )


def is_linked_alert(scope: Scope) -> bool:
    """Whether a request comes by a link of a message, rather than from a page of the console."""
    return scope["path"].startswith("/alerts/") and b"view=" in scope.get("query_string", b"")


async def _show(engine: Engine, token: Token) -> Response:
    try:
        alerts = await find_alerts(engine, token)
    except failures.FAILED as error:
        log.warning("alert_page.database_away", error=type(error).__name__)
        return database_away("Tocsin cannot reach its database; try again in a moment.")
    if not alerts:
        return alert_gone()
    several = token.action.is_of_several
    what, have = ("them", "They have") if several else ("it", "It has")
    return page(
        HTTPStatus.OK,
        "Alerts" if several else "Alert",
        **about(token, alerts),
        message=f"To acknowledge or resolve {what}, use the links in the message."
        if any(alert.status.is_live for alert in alerts)
        else f"{have} ended; nothing is left to do.",
    )
