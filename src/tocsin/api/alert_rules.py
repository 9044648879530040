"""Alert rules: which destinations are notified of which alerts, and when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import rules
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.resources.rules import AlertRuleIn, AlertRuleOut, AlertRulePatch
from tocsin.store.queries.rules import page_of_rules
from tocsin.store.tables import AlertRule

router = APIRouter(prefix="/alert-rules", tags=["alert-rules"], route_class=JsonRoute)


@router.get("")
async def list_alert_rules(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[AlertRuleOut]:
    """Newest first; they are applied by `position`, though all that match count."""
    async with context.reading() as session:
        page = await page_of_rules(session, caller.workspace_id, query.request())
    return shown(page, AlertRuleOut.model_validate)


@router.post("", status_code=201, responses=problems("name-taken", "not-found"))
async def create_alert_rule(context: Context, caller: Admin, body: AlertRuleIn) -> AlertRuleOut:
    now = utc_now()
    row = rules.make(caller, body, now)
    async with context.configuring() as session:
        await rules.create(session, caller, row, now)
    return AlertRuleOut.model_validate(row)


@router.get("/{alert_rule_id:uuid}")
async def get_alert_rule(context: Context, caller: Viewer, alert_rule_id: Id) -> AlertRuleOut:
    async with context.reading() as session:
        return AlertRuleOut.model_validate(await owned(session, AlertRule, caller, alert_rule_id))


@router.patch("/{alert_rule_id:uuid}", responses=problems("name-taken"))
async def update_alert_rule(
    context: Context, caller: Admin, alert_rule_id: Id, body: AlertRulePatch
) -> AlertRuleOut:
    """A change is in force on every node from the answer on."""
    async with context.configuring() as session:
        row = await rules.update(session, caller, alert_rule_id, body, utc_now())
        return AlertRuleOut.model_validate(row)


@router.delete("/{alert_rule_id:uuid}", status_code=204)
async def delete_alert_rule(context: Context, caller: Admin, alert_rule_id: Id) -> Response:
    """Messages that it has already planned are still delivered."""
    async with context.configuring() as session:
        await rules.delete(session, caller, alert_rule_id, utc_now())
    return Response(status_code=204)
