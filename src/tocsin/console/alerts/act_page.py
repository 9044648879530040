"""The page behind the links of a message: see the alert, or the several that it lists, type the code,
acknowledge or resolve.

Opening it changes nothing, however often and whoever does: previews and mail scanners open links.
No script, no cookie, nothing loaded from elsewhere; nothing about it is to be stored or indexed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qs

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.link_codes import CodeCheck, check_code, is_locked
from tocsin.access.links import Expired, Invalid, LinkAction, LinkSigner, Token
from tocsin.alerts import actions
from tocsin.console.frame.pages import (
    ShownAlert,
    about,
    alert_gone,
    console_place,
    database_away,
    find_alerts,
    link_broken,
    link_expired,
    page,
    refusal,
)
from tocsin.model import Action, Actor, ActorKind, AlertStatus, utc_now
from tocsin.store import failures
from tocsin.store.database import Engine, reading, writing

log = structlog.get_logger(__name__)

_BODY_LIMIT = 2_048
BODY_SECONDS = 10.0
"""For the form to arrive; a browser sends it in one piece."""

_VERBS = {
    LinkAction.ACKNOWLEDGE: "Acknowledge",
    LinkAction.RESOLVE: "Resolve",
    LinkAction.ACKNOWLEDGE_LISTED: "Acknowledge",
    LinkAction.RESOLVE_LISTED: "Resolve",
}
_DONE = {"Acknowledge": "Acknowledged", "Resolve": "Resolved"}
_MOVES = {"Acknowledge": Action.ACKNOWLEDGE, "Resolve": Action.RESOLVE}
_STATES = {
    AlertStatus.OPEN: "open",
    AlertStatus.ACKNOWLEDGED: "acknowledged",
    AlertStatus.RESOLVED: "resolved",
    AlertStatus.CLOSED: "closed",
}


def create_act_page(engine: Engine, signer: LinkSigner, performer: actions.Actions) -> Starlette:
    """The ASGI application to mount at `/a`: one route, `/{token}`."""
    act_page = _ActPage(engine, signer, performer)
    return Starlette(routes=[Route("/{token}", act_page.answer, methods=["GET", "POST"])])


class _ActPage:
    def __init__(self, engine: Engine, signer: LinkSigner, performer: actions.Actions) -> None:
        self._engine = engine
        self._signer = signer
        self._performer = performer

    async def answer(self, request: Request) -> Response:
        text = request.path_params["token"]
        match self._signer.read(text, utc_now()):
            case Invalid() | Token(action=LinkAction.VIEW | LinkAction.VIEW_LISTED):
                return link_broken()
            case Expired(token):
                return link_expired(token)
            case token:
                try:
                    return await self._answer(request, text, token)
                except failures.FAILED as error:
                    log.warning(
                        "the page of a message's link cannot reach the database",
                        error=type(error).__name__,
                    )
                    return database_away(
                        "Tocsin cannot reach its database. Nothing was changed; "
                        "try again in a moment."
                    )

    async def _answer(self, request: Request, text: str, token: Token) -> Response:
        alerts = await find_alerts(self._engine, token, utc_now())
        if not alerts:
            return alert_gone()
        if not any(alert.admits(token.action) for alert in alerts):
            return _settled(alerts, token)
        if request.method != "POST":
            async with reading(self._engine) as session:
                locked = await is_locked(session, self._signer, text)
            return _locked(alerts, token) if locked else _form(alerts, token)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                typed = await _typed_code(request)
        except TimeoutError:
            return _too_slow(alerts, token)
        async with writing(self._engine) as session:
            check = await check_code(session, self._signer, text, token, typed)
        if check is CodeCheck.LOCKED:
            return _locked(alerts, token)
        if check is CodeCheck.WRONG:
            return _form(alerts, token, is_wrong=True)
        return await self._act(alerts, token)

    async def _act(self, alerts: Sequence[ShownAlert], token: Token) -> Response:
        actor = Actor(ActorKind.RECIPIENT, token.recipient, token.destination_id)
        verb = _VERBS[token.action]
        outcomes = [
            await self._performer.act(alert.workspace_id, alert.id, _MOVES[verb], actor, utc_now())
            for alert in alerts
            if alert.admits(token.action)
        ]
        # Somebody may have been faster: what counts is the status now.
        now = await find_alerts(self._engine, token, utc_now()) or alerts
        if any(isinstance(outcome, actions.Acted) for outcome in outcomes):
            return page(
                HTTPStatus.OK,
                _DONE[verb],
                **about(token, now),
                message=f"{_standing(now)} On record as done by {token.recipient}.",
                tone="good",
            )
        return _settled(now, token)


def _standing(alerts: Sequence[ShownAlert]) -> str:
    """`The alert is resolved.`, or of several `2 are resolved, 1 is acknowledged.`"""
    if len(alerts) == 1:
        return f"The alert is {_STATES[alerts[0].status]}."
    counts = Counter(_STATES[alert.status] for alert in alerts)
    parts = (f"{count} {'is' if count == 1 else 'are'} {state}" for state, count in counts.items())
    return ", ".join(parts) + "."


def _form(alerts: Sequence[ShownAlert], token: Token, *, is_wrong: bool = False) -> Response:
    which = f"these {len(alerts)} alerts" if len(alerts) > 1 else "this alert"
    return page(
        HTTPStatus.FORBIDDEN if is_wrong else HTTPStatus.OK,
        f"{_VERBS[token.action]} {which}?",
        **about(token, alerts),
        buttons=[(_VERBS[token.action], "")],
        recipient=token.recipient,
        message="That is not the code of this message. Nothing was changed." if is_wrong else None,
        tone="bad" if is_wrong else "",
    )


def _settled(alerts: Sequence[ShownAlert], token: Token) -> Response:
    return page(
        HTTPStatus.OK,
        "Nothing left to do",
        **about(token, alerts),
        message=f"{_standing(alerts).rstrip('.')} already.",
        tone="good",
    )


def _locked(alerts: Sequence[ShownAlert], token: Token) -> Response:
    what = "the alerts" if len(alerts) > 1 else "the alert"
    return refusal(
        HTTPStatus.FORBIDDEN,
        "This link is locked",
        "Too many wrong codes were typed. Nothing was changed; "
        f"sign in to {_VERBS[token.action].lower()} {what}, or use the links of a newer message.",
        **about(token, alerts),
        places=[console_place(token)],
    )


def _too_slow(alerts: Sequence[ShownAlert], token: Token) -> Response:
    return refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        "The code did not arrive",
        "It took too long. Nothing was changed; try again.",
        **about(token, alerts),
        headers={"Connection": "close"},
    )


async def _typed_code(request: Request) -> str:
    """The form's `code`; empty for whatever is not such a form."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _BODY_LIMIT:
            return ""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return ""
    return fields.get("code", [""])[0]
