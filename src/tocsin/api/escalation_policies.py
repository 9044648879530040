"""Escalation policies: who is reached, step by step."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import escalation_policies
from tocsin.resources.escalation_policies import (
    EscalationPolicyIn,
    EscalationPolicyOut,
    EscalationPolicyPatch,
)
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.store.queries.escalation_policies import page_of_policies
from tocsin.store.tables import StoredPolicy

router = APIRouter(
    prefix="/escalation-policies", tags=["escalation-policies"], route_class=JsonRoute
)


@router.get("")
async def list_escalation_policies(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[EscalationPolicyOut]:
    async with context.reading() as session:
        page = await page_of_policies(session, caller.workspace_id, query.request())
    return shown(page, EscalationPolicyOut.model_validate)


@router.post("", status_code=201, responses=problems("name-taken", "not-found"))
async def create_escalation_policy(
    context: Context, caller: Admin, body: EscalationPolicyIn
) -> EscalationPolicyOut:
    """It does nothing until an alert rule names it."""
    now = utc_now()
    row = escalation_policies.make(caller, body, now)
    async with context.configuring() as session:
        await escalation_policies.create(session, caller, row, now)
    return EscalationPolicyOut.model_validate(row)


@router.get("/{escalation_policy_id:uuid}")
async def get_escalation_policy(
    context: Context, caller: Viewer, escalation_policy_id: Id
) -> EscalationPolicyOut:
    async with context.reading() as session:
        row = await owned(session, StoredPolicy, caller, escalation_policy_id)
        return EscalationPolicyOut.model_validate(row)


@router.patch("/{escalation_policy_id:uuid}", responses=problems("name-taken"))
async def update_escalation_policy(
    context: Context, caller: Admin, escalation_policy_id: Id, body: EscalationPolicyPatch
) -> EscalationPolicyOut:
    """A change makes a new version, in force on every node from the answer on. Escalations that run
    end by the version with which they began."""
    async with context.configuring() as session:
        row = await escalation_policies.update(
            session, caller, escalation_policy_id, body, utc_now()
        )
        return EscalationPolicyOut.model_validate(row)


@router.delete("/{escalation_policy_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_escalation_policy(
    context: Context, caller: Admin, escalation_policy_id: Id
) -> Response:
    """Not while an alert rule names it. Escalations that run go on to their end."""
    async with context.configuring() as session:
        await escalation_policies.delete(session, caller, escalation_policy_id, utc_now())
    return Response(status_code=204)
