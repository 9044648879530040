"""Heartbeats: what should call, when it did last, and when it counts as missed."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, opened
from tocsin.console.render import page
from tocsin.resources.heartbeats import show_all
from tocsin.store.paging import PageRequest
from tocsin.store.queries.heartbeats import page_of_heartbeats

_WORST_FIRST = ("down", "late", "new", "up", "paused")


def routes(context: ConsoleContext) -> list[Route]:
    return [Route("/heartbeats", opened(context, _list), methods=["GET"])]


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        found = await page_of_heartbeats(
            session,
            call.visitor.workspace_id,
            PageRequest(200),
            state=None,
            tenant_id=None,
            integration_id=None,
            slug=None,
            now=call.now,
        )
        items = await show_all(session, found.rows, call.now, call.context.settings.base_url)
    order = {state: place for place, state in enumerate(_WORST_FIRST)}
    return page(
        "heartbeats.html",
        call.frame("heartbeats"),
        items=sorted(items, key=lambda each: (order.get(each.state, 9), each.name.lower())),
    )
