"""The wallboard: what is open, for a room. No chrome, big type, live, and grey when it is stale."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.alert_list_page import read_rows
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, opened
from tocsin.console.health_strip import read_health
from tocsin.console.render import page
from tocsin.console.schedule_pages import on_call_now
from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.queries.alert_list import count_by
from tocsin.store.queries.alert_totals import last_activity

_SHOWN = 9
_LIVE = frozenset(each for each in AlertStatus if each.is_live)
_UNTAKEN = frozenset({AlertStatus.OPEN})


def routes(context: ConsoleContext) -> list[Route]:
    return [Route("/wallboard", opened(context, _show), methods=["GET"])]


@dataclass(frozen=True, slots=True)
class Tile:
    severity: str
    count: int
    untaken: int


async def _show(call: Call) -> Response:
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        rows = await read_rows(session, call, AlertFilter(_LIVE), _SHOWN)
        every = {
            each.value: each.count
            for each in await count_by(session, workspace_id, AlertFilter(_LIVE), "severity", 5)
        }
        untaken = {
            each.value: each.count
            for each in await count_by(session, workspace_id, AlertFilter(_UNTAKEN), "severity", 5)
        }
        health = await read_health(session, workspace_id, call.now)
        on_call = await on_call_now(session, workspace_id, call.now)
        last = await last_activity(session, workspace_id)
    total = sum(every.values())
    return page(
        "wallboard.html",
        call.frame("wallboard", total),
        rows=rows,
        total=total,
        more=max(0, total - len(rows)),
        tiles=[
            Tile(each.value, every.get(each.value, 0), untaken.get(each.value, 0))
            for each in Severity
        ],
        troubles=[each for each in health if each.tone != "ok"],
        on_call=on_call,
        last=last,
    )
