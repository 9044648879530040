"""Escalation policies: the steps, and who would be woken when if an alert opened now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.alerts.on_call_book import OnCallBook, last_resort
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, absent, opened
from tocsin.console.render import page
from tocsin.explain import forecast_words
from tocsin.explain.escalation_forecast import Ahead, foresee, longest, look_ahead
from tocsin.model import Severity
from tocsin.oncall.forecast import ForecastStep
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
    return page("policies.html", call.frame("policies"), rows=rows)


@dataclass(frozen=True, slots=True)
class Waking:
    """One person, or one destination, in one step."""

    name: str
    is_person: bool
    cause: str
    pages: tuple[tuple[datetime, str], ...]
    """When and by what; none: an earlier step pages them already."""


@dataclass(frozen=True, slots=True)
class StepLine:
    number: int
    loop: int
    at: datetime
    wakings: tuple[Waking, ...]
    skipped: tuple[str, ...]


async def _show(call: Call) -> Response:
    policy_id: UUID = call.request.path_params["id"]
    workspace_id = call.visitor.workspace_id
    wanted = call.request.query_params.get("severity", "CRITICAL").upper()
    severity = Severity(wanted) if wanted in Severity.__members__ else Severity.CRITICAL
    directory = await call.context.senders.feed.look()
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, StoredPolicy, workspace_id, policy_id)
        if row is None:
            return absent("policy", ("/policies", "All policies"))
        policy = routed(row)
        book = directory.on_call.get(workspace_id, OnCallBook())
        until = call.now + max(longest(policy), timedelta(seconds=1))
        ahead = await look_ahead(
            session, policy, book, directory.routing[workspace_id], call.now, until
        )
        rules = await rules_naming_policy(session, workspace_id, policy_id, 20)
    forecast = await foresee(ahead, severity, {}, call.now)
    resort = last_resort(policy, ahead.table)
    return page(
        "policy.html",
        call.frame("policies"),
        row=row,
        rules=rules,
        severity=severity.value,
        severities=[each.value for each in Severity],
        lines=[_line(ahead, step) for step in forecast.steps],
        warnings=[*forecast_words.warnings(ahead, forecast)],
        exhausted_at=forecast.exhausted_at,
        resort=None if resort is None else resort.name,
    )


def _line(ahead: Ahead, step: ForecastStep) -> StepLine:
    return StepLine(
        number=step.taken.step + 1,
        loop=step.taken.loop,
        at=step.at,
        wakings=tuple(
            Waking(
                name=forecast_words.target_name(ahead, each.target)
                if each.user_id is None
                else ahead.book.name(each.user_id),
                is_person=each.user_id is not None,
                cause=each.cause or "",
                pages=tuple(
                    (
                        step.at + page.delay,
                        ahead.channel(page.destination_id) or "message",
                    )
                    for page in each.pages
                ),
            )
            for each in step.taken.reached
        ),
        skipped=tuple(forecast_words.skip_words(ahead, each) for each in step.taken.skipped),
    )
