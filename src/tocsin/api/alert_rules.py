"""Alert rules: which alerts are told to which destinations, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import invalid, missing_reference
from tocsin.model import utc_now, uuid7
from tocsin.resources import recording
from tocsin.resources.fields import Id
from tocsin.resources.owned import name_taken, owned
from tocsin.resources.rules import (
    AlertRuleIn,
    AlertRuleOut,
    AlertRulePatch,
    columns,
    faults_of,
)
from tocsin.store.tables import AlertDestination, AlertRule, Tenant

router = APIRouter(prefix="/alert-rules", tags=["alert-rules"], route_class=JsonRoute)


async def _check_references(
    session: AsyncSession, workspace_id: UUID, values: dict[str, Any]
) -> None:
    """Raises ApiProblem if a tenant or destination named is not in the workspace."""
    tenants: Iterable[UUID] = values.get("tenant_ids") or ()
    known = set(
        await session.scalars(
            select(Tenant.id).where(Tenant.workspace_id == workspace_id, Tenant.id.in_(tenants))
        )
    )
    for index, tenant_id in enumerate(tenants):
        if tenant_id not in known:
            raise missing_reference("tenant", f"/tenant_ids/{index}")
    destinations: Iterable[UUID] = values.get("destination_ids") or ()
    known = set(
        await session.scalars(
            select(AlertDestination.id).where(
                AlertDestination.workspace_id == workspace_id,
                AlertDestination.id.in_(destinations),
            )
        )
    )
    for index, destination_id in enumerate(destinations):
        if destination_id not in known:
            raise missing_reference("alert destination", f"/destination_ids/{index}")


@router.get("")
async def list_alert_rules(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[AlertRuleOut]:
    """Newest first; they are applied by `position`, though all that match count."""
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session,
            select(AlertRule).where(AlertRule.workspace_id == caller.workspace_id),
            key=AlertRule.id,
            query=query,
            list_name="alert-rules",
        )
    return Page(items=[AlertRuleOut.model_validate(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=201, responses=problems("name-taken", "not-found"))
async def create_alert_rule(context: Context, caller: Admin, body: AlertRuleIn) -> AlertRuleOut:
    now = utc_now()
    values = columns(body, frozenset(AlertRuleIn.model_fields))
    if faults := faults_of(values):
        raise invalid(faults)
    row = AlertRule(
        id=uuid7(), workspace_id=caller.workspace_id, created_at=now, updated_at=now, **values
    )
    try:
        async with context.configuring() as session:
            await _check_references(session, caller.workspace_id, values)
            return await recording.create(session, caller, "alert_rule", row, AlertRuleOut, now)
    except IntegrityError as error:
        raise name_taken(error, AlertRule, body.name) from None


@router.get("/{alert_rule_id:uuid}")
async def get_alert_rule(context: Context, caller: Viewer, alert_rule_id: Id) -> AlertRuleOut:
    async with context.reading() as session:
        return AlertRuleOut.model_validate(await owned(session, AlertRule, caller, alert_rule_id))


@router.patch("/{alert_rule_id:uuid}", responses=problems("name-taken"))
async def update_alert_rule(
    context: Context, caller: Admin, alert_rule_id: Id, body: AlertRulePatch
) -> AlertRuleOut:
    """A change is in force on every node from the answer on."""
    values = columns(body, frozenset(body.model_fields_set))
    try:
        async with context.configuring() as session:
            row = await owned(session, AlertRule, caller, alert_rule_id)
            if faults := faults_of(values):
                raise invalid(faults)
            await _check_references(session, caller.workspace_id, values)
            return await recording.update(
                session, caller, "alert_rule", row, values, AlertRuleOut, utc_now()
            )
    except IntegrityError as error:
        raise name_taken(error, AlertRule, body.name) from None


@router.delete("/{alert_rule_id:uuid}", status_code=204)
async def delete_alert_rule(context: Context, caller: Admin, alert_rule_id: Id) -> Response:
    """What it has already planned is still delivered."""
    async with context.configuring() as session:
        row = await owned(session, AlertRule, caller, alert_rule_id)
        await recording.delete(session, caller, "alert_rule", row, AlertRuleOut, utc_now())
    return Response(status_code=204)
