"""The page behind the link that only shows: one alert as it is now, for a day, no code needed."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.links import Expired, LinkAction, LinkSigner, Token
from tocsin.console.pages import (
    alert_gone,
    database_away,
    find_alert,
    link_broken,
    link_expired,
    page,
)
from tocsin.model import utc_now
from tocsin.store import failures
from tocsin.store.database import Engine

log = structlog.get_logger(__name__)


def create_alert_page(engine: Engine, signer: LinkSigner) -> Starlette:
    """The ASGI application to mount at `/alerts`: one route, `/{alert_id}?view=TOKEN`."""

    async def answer(request: Request) -> Response:
        alert_id: UUID = request.path_params["alert_id"]
        token = signer.read(request.query_params.get("view", ""), utc_now())
        if isinstance(token, Expired):
            return link_expired(f"On the server, `tocsin alert {alert_id}` shows the alert.")
        if (
            not isinstance(token, Token)
            or token.action is not LinkAction.VIEW
            or token.alert_id != alert_id
        ):
            return link_broken()
        return await _show(engine, token)

    return Starlette(routes=[Route("/{alert_id:uuid}", answer, methods=["GET"])])


async def _show(engine: Engine, token: Token) -> Response:
    try:
        alert = await find_alert(engine, token)
    except failures.FAILED as error:
        log.warning("alert_page.database_away", error=type(error).__name__)
        return database_away("Tocsin cannot reach its database; try again in a moment.")
    if alert is None:
        return alert_gone()
    return page(
        HTTPStatus.OK,
        "Alert",
        alert=alert,
        message="To acknowledge or resolve it, use the links in the message."
        if alert.status.is_live
        else "It has ended; nothing is left to do.",
    )
