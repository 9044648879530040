"""The wallboard: what is open, for a room. No chrome, big type, live, and grey when it is stale."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.alerts.alert_rows import read_rows
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.on_call.schedule_pages import on_call_now
from tocsin.console.overview.health_strip import read_health
from tocsin.console.overview.severity_counts import severity_line
from tocsin.model import AlertStatus
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.queries.alert_counts import Count
from tocsin.store.queries.alert_totals import last_activity

_SHOWN = 9
_LIVE = frozenset(each for each in AlertStatus if each.is_live)


def routes(context: ConsoleContext) -> list[Route]:
    return [Route("/wallboard", opened(context, _show), methods=["GET"])]


async def _show(call: Call) -> Response:
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        rows = await read_rows(session, call, AlertFilter(_LIVE), _SHOWN)
        severities = await call.context.severities.read(session, workspace_id, call.now)
        directory = call.context.senders.feed.current
        duty = await call.context.duty.read(session, workspace_id, directory, call.now)
        health = await read_health(session, workspace_id, duty, call.now)
        on_call = await on_call_now(session, workspace_id, call.now)
        last = await last_activity(session, workspace_id)
    total = sum(each.live.number for each in severities)
    return page(
        "wallboard.html",
        call.frame("wallboard", total),
        rows=rows,
        total=total,
        more=Count(total - len(rows)).words if total > len(rows) else "",
        tiles=[severity_line(each) for each in severities],
        troubles=[each for each in health if each.tone != "ok"],
        on_call=on_call,
        last=last,
    )
