"""Alerts: list, search, read, and their timelines. What a person does to one: alert_actions.py."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Select, select

from tocsin.api.alert_shapes import AlertEventOut, AlertOut, AlertQuery
from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.filters import contains_text
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.store.tables import Alert, AlertEvent

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=JsonRoute)


def _filtered(workspace_id: UUID, query: AlertQuery) -> Select[Alert]:
    statement = select(Alert).where(Alert.workspace_id == workspace_id)
    if query.status:
        statement = statement.where(Alert.status.in_(query.status))
    if query.severity:
        statement = statement.where(Alert.severity.in_(query.severity))
    if query.integration_id is not None:
        statement = statement.where(Alert.integration_id == query.integration_id)
    if query.tenant_id is not None:
        statement = statement.where(Alert.tenant_id == query.tenant_id)
    if query.q is not None:
        statement = statement.where(
            contains_text(query.q, Alert.title, Alert.description, Alert.source, Alert.external_id)
        )
    if query.since is not None:
        statement = statement.where(Alert.triggered_at >= query.since)
    if query.until is not None:
        statement = statement.where(Alert.triggered_at < query.until)
    return statement


@router.get("")
async def list_alerts(
    context: Context, caller: Viewer, query: Annotated[AlertQuery, Query()]
) -> Page[AlertOut]:
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session,
            _filtered(caller.workspace_id, query),
            key=Alert.id,
            query=query,
            list_name="alerts",
        )
    return Page(items=[AlertOut.model_validate(row) for row in rows], next_cursor=next_cursor)


@router.get("/{alert_id:uuid}")
async def get_alert(context: Context, caller: Viewer, alert_id: Id) -> AlertOut:
    async with context.reading() as session:
        return AlertOut.model_validate(await owned(session, Alert, caller, alert_id))


@router.get("/{alert_id:uuid}/timeline")
async def get_alert_timeline(
    context: Context, caller: Viewer, alert_id: Id, query: Annotated[PageQuery, Query()]
) -> Page[AlertEventOut]:
    """What happened to it, in the order in which it happened (oldest first)."""
    async with context.reading() as session:
        await owned(session, Alert, caller, alert_id)
        rows, next_cursor = await fetch_page(
            session,
            select(AlertEvent).where(AlertEvent.alert_id == alert_id),
            key=AlertEvent.id,
            query=query,
            list_name="timeline",
            oldest_first=True,
        )
    return Page(items=[AlertEventOut.model_validate(row) for row in rows], next_cursor=next_cursor)
