"""What the pages behind the links of a message share: the alert shown, and the look of a page.

No script, no cookie, nothing loaded from elsewhere; nothing about them is to be stored or indexed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any
from uuid import UUID

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from tocsin.access.links import CODE_DIGITS, LinkAction, Token
from tocsin.message import SHOWN_ALERTS
from tocsin.model import AlertStatus, iso
from tocsin.store.database import Engine, reading
from tocsin.store.queries.alerts import LinkedAlert, find_linked_alert, find_listed_alerts

_DESCRIPTION_SHOWN = 600


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert as it is now."""

    id: UUID
    workspace_id: UUID
    title: str
    description: str | None
    severity: str
    status: AlertStatus
    source: str
    tenant: str
    since: str
    since_iso: str

    def admits(self, action: LinkAction) -> bool:
        """Whether the action would still change something."""
        if action in (LinkAction.ACKNOWLEDGE, LinkAction.ACKNOWLEDGE_LISTED):
            return self.status is AlertStatus.OPEN
        return self.status.is_live


async def find_alerts(engine: Engine, token: Token) -> list[ShownAlert]:
    """The alert, or those that the message lists, as far as they and the destination that the link was
    sent to are still there."""
    subject, destination = token.subject_id, token.destination_id
    async with reading(engine) as session:
        if token.action.is_of_several:
            found = await find_listed_alerts(session, subject, destination, SHOWN_ALERTS)
        else:
            alert = await find_linked_alert(session, subject, destination)
            found = [] if alert is None else [alert]
    return [_shown(each) for each in found]


def about(token: Token, alerts: Sequence[ShownAlert]) -> dict[str, Any]:
    """These alerts, at least one, as the values of a page."""
    return {"alerts": alerts} if token.action.is_of_several else {"alert": alerts[0]}


def _shown(alert: LinkedAlert) -> ShownAlert:
    return ShownAlert(
        id=alert.id,
        workspace_id=alert.workspace_id,
        title=alert.title,
        description=_shortened(alert.description),
        severity=alert.severity.value,
        status=alert.status,
        source=alert.source,
        tenant=alert.tenant or "–",
        since=f"{alert.triggered_at:%Y-%m-%d %H:%M:%S} UTC",
        since_iso=iso(alert.triggered_at),
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


def refusal(status: HTTPStatus, heading: str, message: str, **values: Any) -> Response:
    """A page that says why nothing was done; `values` as of `page`."""
    return page(status, heading, tone="bad", message=message, **values)


def link_broken() -> Response:
    return refusal(
        HTTPStatus.NOT_FOUND,
        "This link does not work",
        "It is incomplete or was changed on its way. Copy the whole link from the message.",
    )


def link_expired(what_to_do: str) -> Response:
    return refusal(
        HTTPStatus.GONE,
        "This link has expired",
        f"Links in messages work for a day. {what_to_do}",
    )


def alert_gone() -> Response:
    return refusal(
        HTTPStatus.NOT_FOUND,
        "This alert is gone",
        "It was deleted, or the destination that the link was sent to was.",
    )


def database_away(message: str) -> Response:
    return refusal(
        HTTPStatus.SERVICE_UNAVAILABLE, "Not just now", message, headers={"Retry-After": "5"}
    )


@cache
def _template() -> tuple[jinja2.Template, str, str]:
    """The template, its style sheet, and the policy that allows only those."""
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
