"""What the pages behind the links of a message share: the alert shown, and the look of a page.

No script, no cookie, nothing loaded from elsewhere; nothing about them is to be stored or indexed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from tocsin.access.links import CODE_DIGITS, LinkAction, Token
from tocsin.console.alerts.alert_links import AlertLink, links_of
from tocsin.delivery.channels.kit.addresses_in_text import pieces
from tocsin.delivery.channels.kit.moments import Moment, moment
from tocsin.message import SHOWN_ALERTS
from tocsin.model import DEFAULT_SLUG, AlertStatus
from tocsin.store.database import Engine, reading
from tocsin.store.queries.alert_list import LastAcknowledgement, taken_by
from tocsin.store.queries.alerts import LinkedAlert, find_linked_alert, find_listed_alerts


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert as it is now. `moments` are what happened to it, when: in the destination's zone, too."""

    id: UUID
    workspace_id: UUID
    title: str
    description: str | None
    severity: str
    status: AlertStatus
    source: str
    tenant: str | None
    external_id: str | None
    moments: tuple[Moment, ...]
    taken_by: str | None
    """Who has it, while it is acknowledged."""
    note: str | None
    """What they noted with it."""
    repeated: int
    """How often its source has reported it."""
    links: tuple[AlertLink, ...]
    labels: tuple[tuple[str, str], ...]

    def admits(self, action: LinkAction) -> bool:
        """Whether the action would still change something."""
        if action in (LinkAction.ACKNOWLEDGE, LinkAction.ACKNOWLEDGE_LISTED):
            return self.status is AlertStatus.OPEN
        return self.status.is_live


async def find_alerts(engine: Engine, token: Token, now: datetime) -> list[ShownAlert]:
    """The alert, or those that the message lists, as far as they and the destination that the link was
    sent to are still there."""
    subject, destination = token.subject_id, token.destination_id
    async with reading(engine) as session:
        if token.action.is_of_several:
            found = await find_listed_alerts(session, subject, destination, SHOWN_ALERTS)
        else:
            alert = await find_linked_alert(session, subject, destination)
            found = [] if alert is None else [alert]
        acknowledged = [each.id for each in found if each.status is AlertStatus.ACKNOWLEDGED]
        taken = await taken_by(session, acknowledged)
    return [_shown(each, taken.get(each.id), now) for each in found]


def about(token: Token, alerts: Sequence[ShownAlert]) -> dict[str, Any]:
    """These alerts, at least one, as the values of a page."""
    return {"alerts": alerts} if token.action.is_of_several else {"alert": alerts[0]}


def console_place(token: Token) -> tuple[str, str]:
    """Where whoever can sign in finds what a link is about: the path, and what is there."""
    if token.action.is_of_several:
        return f"/deliveries/{token.subject_id}", "The message and its alerts in the console"
    return f"/alerts/{token.subject_id}", "The alert in the console, with all that happened"


def _shown(alert: LinkedAlert, taken: LastAcknowledgement | None, now: datetime) -> ShownAlert:
    has_tenant = alert.tenant is not None and alert.tenant_slug != DEFAULT_SLUG
    links = links_of(alert.labels, alert.metadata_)
    return ShownAlert(
        id=alert.id,
        workspace_id=alert.workspace_id,
        title=alert.title,
        description=alert.description,
        severity=alert.severity.value,
        status=alert.status,
        source=alert.source,
        tenant=alert.tenant if has_tenant else None,
        external_id=alert.external_id,
        moments=_moments(alert, now),
        taken_by=None if taken is None else taken.actor.get("name"),
        note=None if taken is None else taken.detail.get("note"),
        repeated=alert.occurrence_count,
        links=tuple(each for each in links if alert.status.is_live or not each.silences),
        labels=tuple(sorted(alert.labels.items())),
    )


def _moments(alert: LinkedAlert, now: datetime) -> tuple[Moment, ...]:
    zone = ZoneInfo(alert.timezone or "UTC")
    last = alert.last_received_at if alert.occurrence_count > 1 else None
    happened = (
        ("Triggered", alert.triggered_at),
        ("Last reported", last),
        ("Acknowledged", alert.acknowledged_at),
        ("Resolved", alert.resolved_at),
        ("Closed", alert.closed_at),
    )
    return tuple(moment(name, at, zone, now) for name, at in happened if at is not None)


def page(
    status: HTTPStatus,
    heading: str,
    *,
    headers: dict[str, str] | None = None,
    tone: str = "",
    **values: Any,
) -> Response:
    template, css, policy = _template()
    body = template.render(
        heading=heading, tone=tone, css=css, digits=CODE_DIGITS, pieces=pieces, **values
    )
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


def link_expired(token: Token) -> Response:
    several = token.action.is_of_several
    command = f"tocsin {'delivery show' if several else 'alert'} {token.subject_id}"
    return refusal(
        HTTPStatus.GONE,
        "This link has expired",
        "Links in messages work for a day; a newer message has newer ones. Sign in to see it as it is "
        f"now, and to act on it. On the server, `{command}` shows it.",
        places=[console_place(token)],
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
