"""For admins: for how long history is kept, how much of it there is, and what goes next."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import KeptHistory, Role
from tocsin.model.figures import bytes_said, said
from tocsin.resources import retention
from tocsin.resources.retention import MOST_DAYS, FigureOut, RetentionOut

_SPANS: Final = (7, 30, 90, 365)
_WORDS: Final = {
    "webhook_deliveries": ("Webhooks", "what senders sent, and what became of it"),
    "alert_deliveries": ("Messages", "that are not waiting"),
    "alert_delivery_attempts": ("Attempts", "to send messages"),
    "alerts": ("Alerts", "that are over; live ones stay"),
    "alert_events": ("Timelines", "of alerts"),
    "alert_search": ("Words of alerts", "for the query bar"),
    "audit_events": ("Audit log", "who changed what"),
    "bulk_actions": ("Bulk actions", "that are done"),
    "bulk_action_alerts": ("Alerts of bulk actions", "and what became of each"),
    "heartbeat_changes": ("Changes of heartbeats", "up and down"),
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/admin/retention", opened(context, _show, role=Role.ADMIN), methods=["GET"]),
    ]


async def _show(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/", "Only admins see that page.")
    settings = call.context.settings
    tried = _days(call.request.query_params.get("days", ""))
    async with call.context.reading() as session:
        found = await retention.look(session, call.visitor.principal, settings, call.now, tried)
    return page(
        "admin_retention.html",
        call.frame("admin"),
        found=found,
        words=_WORDS,
        spans=_SPANS,
        tried=tried,
        most_days=MOST_DAYS,
        figure=_figure,
        bytes_said=bytes_said,
        last_pass_at=max(
            (each.last_pass_at for each in found.items if each.last_pass_at), default=None
        ),
        size=_size(found),
        other_days=settings.retention[KeptHistory.OTHER],
        rejected_keep=settings.rejected_keep,
    )


def _days(text: str) -> int | None:
    """None for what is no number of days: the page shows what is in force."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MOST_DAYS)):
        return None
    return int(text) if 1 <= int(text) <= MOST_DAYS else None


def _figure(each: FigureOut) -> str:
    return said(each.number, each.certainty)


def _size(found: RetentionOut) -> int | None:
    if found.installation is None:
        return None
    return sum(each.size for each in found.installation)
