"""The board of tenants: how each stands, the worst first, for whoever looks after several."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.alerts.alert_addresses import alerts_of_tenant
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import page
from tocsin.console.frame.searched_list import Searched
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import Role, Severity
from tocsin.resources import tenant_board
from tocsin.resources.tenant_board import TenantBoardOut
from tocsin.store.queries.tenant_board import MOST_TENANTS

_ROWS: Final = 50


def routes(context: ConsoleContext) -> list[Route]:
    return [Route("/board", opened(context, _show), methods=["GET"])]


async def _show(call: Call) -> Response:
    params = call.request.query_params
    searched, workspace_id = Searched.asked(params), call.visitor.workspace_id
    async with call.context.reading() as session:
        found = await searched.page(
            _ROWS,
            lambda request, q: tenant_board.look(session, workspace_id, request, call.now, q=q),
        )
    return page(
        "board.html",
        call.frame("board"),
        found=found,
        q=searched.q,
        more=searched.more(found.next_cursor, "/board"),
        is_first="after" not in params,
        heading=_heading(found),
        severities=[each.value for each in Severity],
        alerts_of_tenant=alerts_of_tenant,
        may_make=call.may(Role.ADMIN),
        most_tenants=MOST_TENANTS,
    )


def _heading(found: TenantBoardOut) -> str:
    if found.critical:
        one = "One tenant has" if found.critical == 1 else f"{found.critical:,} tenants have"
        return f"{one} something critical"
    if found.troubled:
        one = "One tenant needs" if found.troubled == 1 else f"{found.troubled:,} tenants need"
        return f"{one} a look"
    return "All quiet"
