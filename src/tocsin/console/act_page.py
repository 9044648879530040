"""The page behind the links of a message: see the alert, type the code, acknowledge or resolve.

Opening it changes nothing, however often and by whomever: previews and mail scanners open links.
No script, no cookie, nothing loaded from elsewhere; nothing about it is to be stored or indexed.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import jinja2
import psycopg
import sqlalchemy.exc
import structlog
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tocsin.delivery.link_codes import CodeCheck, check_code, is_locked
from tocsin.delivery.links import CODE_DIGITS, Action, Expired, Invalid, LinkSigner, Token
from tocsin.ingest import actions
from tocsin.model import Actor, ActorKind, AlertStatus, iso, utc_now
from tocsin.store.tables import Alert, AlertDestination, Tenant

log = structlog.get_logger(__name__)

_BODY_LIMIT = 2_048
_DESCRIPTION_SHOWN = 600

_VERBS = {Action.ACKNOWLEDGE: "Acknowledge", Action.RESOLVE: "Resolve"}
_DONE = {Action.ACKNOWLEDGE: "Acknowledged", Action.RESOLVE: "Resolved"}
_MOVES = {
    Action.ACKNOWLEDGE: actions.Action.ACKNOWLEDGE,
    Action.RESOLVE: actions.Action.RESOLVE,
}
_STATES = {
    AlertStatus.OPEN: "open",
    AlertStatus.ACKNOWLEDGED: "acknowledged",
    AlertStatus.RESOLVED: "resolved",
    AlertStatus.CLOSED: "closed",
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """The alert as it stands now."""

    workspace_id: UUID
    title: str
    description: str | None
    severity: str
    status: AlertStatus
    source: str
    tenant: str
    since: str
    since_iso: str

    def admits(self, action: Action) -> bool:
        """Whether the action would still change something."""
        if action is Action.ACKNOWLEDGE:
            return self.status is AlertStatus.OPEN
        return self.status.is_live


def create_act_page(
    engine: AsyncEngine, signer: LinkSigner, performer: actions.Actions
) -> Starlette:
    """The ASGI application to mount at `/a`: one route, `/{token}`."""
    page = _ActPage(engine, signer, performer)
    return Starlette(routes=[Route("/{token}", page.answer, methods=["GET", "POST"])])


class _ActPage:
    def __init__(self, engine: AsyncEngine, signer: LinkSigner, performer: actions.Actions) -> None:
        self._engine = engine
        self._signer = signer
        self._performer = performer

    async def answer(self, request: Request) -> Response:
        text = request.path_params["token"]
        match self._signer.read(text, utc_now()):
            case Invalid():
                return _page(
                    HTTPStatus.NOT_FOUND,
                    "This link does not work",
                    message="It is incomplete or was changed on its way. "
                    "Copy the whole link from the message, or open the alert in Tocsin.",
                    tone="bad",
                )
            case Expired():
                return _page(
                    HTTPStatus.GONE,
                    "This link has expired",
                    message="Links in messages work for a day. Open the alert in Tocsin instead.",
                    tone="bad",
                )
            case token:
                try:
                    return await self._answer(request, text, token)
                except (psycopg.OperationalError, sqlalchemy.exc.DBAPIError) as error:
                    log.warning("act_page.database_away", error=type(error).__name__)
                    return _page(
                        HTTPStatus.SERVICE_UNAVAILABLE,
                        "Not just now",
                        message="Tocsin cannot reach its database. Nothing was changed; "
                        "try again in a moment.",
                        tone="bad",
                        headers={"Retry-After": "5"},
                    )

    async def _answer(self, request: Request, text: str, token: Token) -> Response:
        alert = await self._find(token)
        if alert is None:
            return _page(
                HTTPStatus.NOT_FOUND,
                "This alert is gone",
                message="It was deleted, or the destination that the link was sent to was.",
                tone="bad",
            )
        if not alert.admits(token.action):
            return _settled(alert)
        if request.method != "POST":
            async with self._engine.connect() as connection:
                locked = await is_locked(connection, self._signer, text)
            return _locked(alert, token) if locked else _form(alert, token)
        typed = await _typed_code(request)
        async with self._engine.begin() as connection:
            check = await check_code(connection, self._signer, text, token, typed)
        if check is CodeCheck.LOCKED:
            return _locked(alert, token)
        if check is CodeCheck.WRONG:
            return _form(alert, token, is_wrong=True)
        return await self._act(alert, token)

    async def _act(self, alert: _Shown, token: Token) -> Response:
        actor = Actor(ActorKind.RECIPIENT, token.recipient, token.destination_id)
        outcome = await self._performer.act(
            alert.workspace_id, token.alert_id, _MOVES[token.action], actor, utc_now()
        )
        # Somebody may have been faster: what counts is where the alert stands now.
        now = await self._find(token) or alert
        if isinstance(outcome, actions.Acted):
            return _page(
                HTTPStatus.OK,
                f"{_DONE[token.action]}",
                alert=now,
                message=f"The alert is {_STATES[now.status]}. "
                f"On record as done by {token.recipient}.",
                tone="good",
            )
        return _settled(now)

    async def _find(self, token: Token) -> _Shown | None:
        """The alert, if it and the destination that the link was sent to are still there."""
        query = (
            select(
                Alert.workspace_id,
                Alert.title,
                Alert.description,
                Alert.severity,
                Alert.status,
                Alert.source,
                Alert.triggered_at,
                Tenant.name.label("tenant"),
            )
            .join(AlertDestination, AlertDestination.workspace_id == Alert.workspace_id)
            .outerjoin(Tenant, Tenant.id == Alert.tenant_id)
            .where(Alert.id == token.alert_id, AlertDestination.id == token.destination_id)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return _Shown(
            workspace_id=row.workspace_id,
            title=row.title,
            description=_shortened(row.description),
            severity=row.severity.value,
            status=row.status,
            source=row.source,
            tenant=row.tenant or "–",
            since=f"{row.triggered_at:%Y-%m-%d %H:%M:%S} UTC",
            since_iso=iso(row.triggered_at),
        )


def _form(alert: _Shown, token: Token, *, is_wrong: bool = False) -> Response:
    return _page(
        HTTPStatus.FORBIDDEN if is_wrong else HTTPStatus.OK,
        f"{_VERBS[token.action]} this alert?",
        alert=alert,
        asks_code=True,
        button=_VERBS[token.action],
        recipient=token.recipient,
        message="That is not the code of this message. Nothing was changed." if is_wrong else None,
        tone="bad" if is_wrong else "",
    )


def _settled(alert: _Shown) -> Response:
    return _page(
        HTTPStatus.OK,
        "Nothing left to do",
        alert=alert,
        message=f"The alert is {_STATES[alert.status]} already.",
        tone="good",
    )


def _locked(alert: _Shown, token: Token) -> Response:
    return _page(
        HTTPStatus.FORBIDDEN,
        "This link is locked",
        alert=alert,
        message="Too many wrong codes were typed. Nothing was changed; "
        f"{_VERBS[token.action].lower()} the alert in Tocsin instead.",
        tone="bad",
    )


def _page(
    status: HTTPStatus,
    heading: str,
    *,
    headers: dict[str, str] | None = None,
    tone: str = "",
    **values: Any,
) -> Response:
    template, css, policy = _template()
    body = template.render(heading=heading, tone=tone, css=css, digits=CODE_DIGITS, **values)
    return HTMLResponse(
        body,
        status,
        headers={
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow, noarchive",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Content-Security-Policy": policy,
            **(headers or {}),
        },
    )


@cache
def _template() -> tuple[jinja2.Template, str, str]:
    """The template, its style sheet, and the policy that admits that and nothing else."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tocsin.console"),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("tocsin.console").joinpath("templates", "act.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return environment.get_template("act.html"), Markup(style), policy  # noqa: S704 - our own file


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


def _shortened(text: str | None) -> str | None:
    if text is None or len(text) <= _DESCRIPTION_SHOWN:
        return text
    return text[:_DESCRIPTION_SHOWN].rstrip() + "…"
