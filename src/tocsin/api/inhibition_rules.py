"""Inhibition rules: which alerts hold which others while they are live."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import inhibition_rules
from tocsin.resources.fields import Id
from tocsin.resources.inhibition_rules import (
    InhibitionRuleIn,
    InhibitionRuleOut,
    InhibitionRulePatch,
)
from tocsin.resources.owned import owned
from tocsin.store.queries.inhibition_rules import page_of_inhibition_rules
from tocsin.store.tables import StoredInhibitionRule

router = APIRouter(prefix="/inhibition-rules", tags=["inhibition-rules"], route_class=JsonRoute)


@router.get("")
async def list_inhibition_rules(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[InhibitionRuleOut]:
    async with context.reading() as session:
        page = await page_of_inhibition_rules(session, caller.workspace_id, query.request())
    return shown(page, InhibitionRuleOut.model_validate)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_inhibition_rule(
    context: Context, caller: Admin, body: InhibitionRuleIn
) -> InhibitionRuleOut:
    """While a source is live, targets of the same tenant with the same values of the `equal` labels are
    held (`deferred`, reason `inhibited`). A label that one of them lacks is no match. Rules that would
    hold back each other's sources are refused."""
    now = utc_now()
    row = inhibition_rules.make(caller, body, now)
    async with context.configuring() as session:
        await inhibition_rules.create(session, caller, row, now)
    return InhibitionRuleOut.model_validate(row)


@router.get("/{inhibition_rule_id:uuid}")
async def get_inhibition_rule(
    context: Context, caller: Viewer, inhibition_rule_id: Id
) -> InhibitionRuleOut:
    async with context.reading() as session:
        row = await owned(session, StoredInhibitionRule, caller, inhibition_rule_id)
        return InhibitionRuleOut.model_validate(row)


@router.patch("/{inhibition_rule_id:uuid}", responses=problems("name-taken"))
async def update_inhibition_rule(
    context: Context, caller: Admin, inhibition_rule_id: Id, body: InhibitionRulePatch
) -> InhibitionRuleOut:
    """In force at once, also for what is held already."""
    async with context.configuring() as session:
        row = await inhibition_rules.update(session, caller, inhibition_rule_id, body, utc_now())
        return InhibitionRuleOut.model_validate(row)


@router.delete("/{inhibition_rule_id:uuid}", status_code=204)
async def delete_inhibition_rule(
    context: Context, caller: Admin, inhibition_rule_id: Id
) -> Response:
    """What only this rule held is looked at at once."""
    async with context.configuring() as session:
        await inhibition_rules.delete(session, caller, inhibition_rule_id, utc_now())
    return Response(status_code=204)
