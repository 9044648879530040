"""Retention: how long history is kept, how much of it there is, and what goes next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.model import utc_now
from tocsin.resources import retention
from tocsin.resources.retention import MOST_DAYS, RetentionOut

router = APIRouter(prefix="/retention", tags=["retention"], route_class=JsonRoute)


class RetentionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    days: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_DAYS,
            description="Says what would be deleted if every kind were kept for so many days",
        ),
    ] = None


@router.get("")
async def get_retention(
    context: Context, caller: Admin, query: Annotated[RetentionQuery, Query()]
) -> RetentionOut:
    """Which history is kept for how long, how much of it there is, and how much the next pass deletes.
    Nothing is deleted by asking. The days are those of the server that answers: they are settings."""
    async with context.reading() as session:
        return await retention.look(session, caller, context.settings, utc_now(), query.days)
