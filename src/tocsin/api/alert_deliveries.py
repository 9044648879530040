"""Alert deliveries: what is owed to destinations, what became of it, and every attempt."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.access.api_keys import Principal
from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.model import AlertDeliveryStatus, EventType, Reason
from tocsin.resources.fields import Id, JsonObject, Output, Time
from tocsin.resources.owned import owned
from tocsin.store.tables import AlertDelivery, AlertDeliveryAttempt

router = APIRouter(prefix="/alert-deliveries", tags=["alert-deliveries"], route_class=JsonRoute)


class AlertDeliveryOut(Output):
    id: Annotated[Id, Field(description="Also the id that receivers see")]
    workspace_id: Id
    tenant_id: Annotated[Id | None, Field(description="Null for tests, and only for them")]
    alert_rule_id: Annotated[Id | None, Field(description="Null for tests, and only for them")]
    alert_destination_id: Id
    alert_id: Id | None
    event_type: EventType
    status: AlertDeliveryStatus
    send_after: Time | None
    sent_at: Time | None
    attempt_count: int
    last_error_code: str | None
    last_error_message: str | None
    payload: Annotated[JsonObject, Field(description="What was said; never a secret")]
    reason: Annotated[str, Field(description="Why it exists, waits, or was not sent")]
    detail: Annotated[JsonObject, Field(description="What decided, and every rule that named it")]
    give_up_at: Annotated[Time | None, Field(description="No attempt is made after this")]
    created_at: Time
    updated_at: Time


class AttemptOut(Output):
    number: int
    started_at: Time
    duration_ms: int
    outcome: str
    http_status: int | None
    error_code: str | None
    message: str | None


class AlertDeliveryWithAttempts(AlertDeliveryOut):
    attempts: list[AttemptOut]


class AlertDeliveryQuery(PageQuery):
    status: Annotated[
        list[AlertDeliveryStatus], Field(default_factory=list, description="Any of these")
    ]
    alert_id: Id | None = None
    alert_destination_id: Id | None = None
    alert_rule_id: Id | None = None
    tenant_id: Id | None = None
    event_type: EventType | None = None
    reason: Reason | None = None
    since: Annotated[Time | None, Field(description="Made then or later")] = None
    until: Annotated[Time | None, Field(description="Made before")] = None


def _filtered(workspace_id: UUID, query: AlertDeliveryQuery) -> Select[AlertDelivery]:
    table = AlertDelivery
    statement = select(table).where(table.workspace_id == workspace_id)
    if query.status:
        statement = statement.where(table.status.in_(query.status))
    for column, wanted in (
        (table.alert_id, query.alert_id),
        (table.alert_destination_id, query.alert_destination_id),
        (table.alert_rule_id, query.alert_rule_id),
        (table.tenant_id, query.tenant_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if query.event_type is not None:
        statement = statement.where(table.event_type == query.event_type.value)
    if query.reason is not None:
        statement = statement.where(table.reason == query.reason.value)
    if query.since is not None:
        statement = statement.where(table.created_at >= query.since)
    if query.until is not None:
        statement = statement.where(table.created_at < query.until)
    return statement


@router.get("")
async def list_alert_deliveries(
    context: Context, caller: Viewer, query: Annotated[AlertDeliveryQuery, Query()]
) -> Page[AlertDeliveryOut]:
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session,
            _filtered(caller.workspace_id, query),
            key=AlertDelivery.id,
            query=query,
            list_name="alert-deliveries",
        )
    return Page(
        items=[AlertDeliveryOut.model_validate(row) for row in rows], next_cursor=next_cursor
    )


async def read_alert_delivery(
    session: AsyncSession, caller: Principal, delivery_id: UUID
) -> AlertDeliveryWithAttempts:
    """Raises ApiProblem `not-found` unless it is one of the workspace."""
    row = await owned(session, AlertDelivery, caller, delivery_id)
    attempts = await session.scalars(
        select(AlertDeliveryAttempt)
        .where(AlertDeliveryAttempt.alert_delivery_id == delivery_id)
        .order_by(AlertDeliveryAttempt.number)
    )
    return AlertDeliveryWithAttempts(
        **AlertDeliveryOut.model_validate(row).model_dump(),
        attempts=[AttemptOut.model_validate(attempt) for attempt in attempts],
    )


@router.get("/{alert_delivery_id:uuid}")
async def get_alert_delivery(
    context: Context, caller: Viewer, alert_delivery_id: Id
) -> AlertDeliveryWithAttempts:
    async with context.reading() as session:
        return await read_alert_delivery(session, caller, alert_delivery_id)
