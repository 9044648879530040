"""Escalation policies: the steps, and who would be woken when if an alert opened now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.console.on_call.policy_forecast import forecast_of
from tocsin.explain.policy_readiness import WEEKS, readiness, unready_words
from tocsin.model import Role, Severity
from tocsin.resources.escalation_policies import routed
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.escalation_policies import page_of_policies
from tocsin.store.queries.rules import rules_naming_policy
from tocsin.store.tables import StoredPolicy


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/policies", opened(context, _list), methods=["GET"]),
        Route("/policies/{id:uuid}", opened(context, _show), methods=["GET"]),
    ]


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        found = await page_of_policies(session, call.visitor.workspace_id, PageRequest(200))
    rows = sorted(found.rows, key=lambda each: each.name.lower())
    return page("policies.html", call.frame("policies"), rows=rows, may_change=call.may(Role.ADMIN))


@dataclass(frozen=True, slots=True)
class ReadyLine:
    """A person whom the policy can reach: would they be woken?"""

    name: str
    contacts: int
    first_page: timedelta | None
    last_page_at: datetime | None
    warning: str | None


async def _show(call: Call) -> Response:
    policy_id: UUID = call.request.path_params["id"]
    workspace_id = call.visitor.workspace_id
    wanted = call.request.query_params.get("severity", "CRITICAL").upper()
    severity = Severity(wanted) if wanted in Severity.__members__ else Severity.CRITICAL
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, StoredPolicy, workspace_id, policy_id)
        if row is None:
            return absent(call, "policy", ("/policies", "All policies"))
        forecast = await forecast_of(call, session, routed(row), severity, WEEKS)
        rules = await rules_naming_policy(session, workspace_id, policy_id, 20)
        found = await readiness(session, forecast.ahead, call.now, rules)
    return page(
        "policy.html",
        call.frame("policies"),
        row=row,
        rules=rules,
        severity=severity.value,
        severities=[each.value for each in Severity],
        forecast=forecast,
        readiness=found,
        people=[
            ReadyLine(
                forecast.ahead.book.name(each.user_id),
                each.usable_contacts,
                each.first_page,
                None if each.last_page is None else each.last_page.at,
                unready_words(forecast.ahead, each),
            )
            for each in found.people
        ],
        may_change=call.may(Role.ADMIN),
    )
