"""The overview: the last days in numbers, and what would make them quieter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.model import utc_now
from tocsin.resources import overview
from tocsin.resources.overview import MOST_DAYS, OverviewOut

router = APIRouter(prefix="/overview", tags=["overview"], route_class=JsonRoute)


class OverviewQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="How many days to look back")] = 7


@router.get("")
async def get_overview(
    context: Context, caller: Viewer, query: Annotated[OverviewQuery, Query()]
) -> OverviewOut:
    """Alerts over time, what was noise, how long it took to acknowledge and to resolve, who was paged at
    night, how fast messages went, and rules that would be quieter with a wait."""
    async with context.reading() as session:
        return await overview.look(session, caller.workspace_id, query.days, utc_now())
