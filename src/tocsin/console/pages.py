"""What the pages behind the links of a message share: the alert shown, and the look of a page.

No script, no cookie, nothing loaded from elsewhere; nothing about them is to be stored or indexed.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any
from uuid import UUID

import jinja2
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import HTMLResponse, Response

from tocsin.access.links import CODE_DIGITS, Action, Token
from tocsin.model import AlertStatus, iso
from tocsin.store.tables import Alert, AlertDestination, Tenant

_DESCRIPTION_SHOWN = 600


@dataclass(frozen=True, slots=True)
class Shown:
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


async def find_alert(engine: AsyncEngine, token: Token) -> Shown | None:
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
    async with engine.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return Shown(
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


def page(
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
    style = resources.files("tocsin.console").joinpath("templates", "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return environment.get_template("page.html"), Markup(style), policy  # noqa: S704 - our own file


def _shortened(text: str | None) -> str | None:
    if text is None or len(text) <= _DESCRIPTION_SHOWN:
        return text
    return text[:_DESCRIPTION_SHOWN].rstrip() + "…"
