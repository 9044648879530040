"""The board of tenants: how each stands, the worst first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import PageQuery
from tocsin.model import utc_now
from tocsin.resources import tenant_board
from tocsin.resources.fields import Text
from tocsin.resources.tenant_board import TenantBoardOut

router = APIRouter(prefix="/tenant-board", tags=["tenants"], route_class=JsonRoute)


class BoardQuery(PageQuery):
    q: Annotated[Text | None, Field(description="Text in name or slug")] = None


@router.get("")
async def get_tenant_board(
    context: Context, caller: Viewer, query: Annotated[BoardQuery, Query()]
) -> TenantBoardOut:
    """Every tenant of the workspace with its live alerts, who has them, when it was last heard from, and
    what does not work: integrations that fell silent, missed heartbeats, messages that fail. The worst
    first."""
    async with context.reading() as session:
        return await tenant_board.look(
            session, caller.workspace_id, query.request(), utc_now(), q=query.q
        )
