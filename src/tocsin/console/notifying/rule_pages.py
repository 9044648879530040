"""Rules: which alerts go where, with what each would have done in the last days."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms.choices import destination_choices, policy_choices, tenant_choices
from tocsin.console.forms.editing import Editor, Faults
from tocsin.console.forms.matcher_lines import write_matchers
from tocsin.console.forms.past_days import DAYS
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.notifying.rule_form import (
    PARTS,
    Values,
    document_of,
    parts_shown,
    read_fields,
    rearrange,
    section_words,
    usual_values,
    values_of,
)
from tocsin.console.notifying.rule_trial import try_values
from tocsin.model import EventType, Role, Severity
from tocsin.resources import rules
from tocsin.resources.rules import AlertRuleIn, AlertRulePatch
from tocsin.routing.quiet_hours import DAYS as DAYS_OF_WEEK
from tocsin.routing.validation import EXEMPTIONS_LIMIT, WINDOWS_LIMIT
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.destinations import names_of_destinations
from tocsin.store.queries.rules import page_of_rules
from tocsin.store.tables import AlertRule

_TELLING_LABELS = ("team", "service", "job", "cluster", "environment", "env", "host", "instance")
_EVENTS = (
    (EventType.TRIGGERED, "when it begins, or gets worse"),
    (EventType.ACKNOWLEDGED, "when somebody takes it on"),
    (EventType.RESOLVED, "when it is over"),
    (EventType.CLOSED, "when somebody closes it"),
)


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/rules", opened(context, _list), methods=["GET"]),
        *RuleEditor().routes(context),
    ]


async def _list(call: Call) -> Response:
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        found = await page_of_rules(session, workspace_id, PageRequest(200))
        named = {each for row in found.rows for each in row.destination_ids}
        names = await names_of_destinations(session, workspace_id, named)
        policies = {each.id: each.name for each in await policy_choices(session, workspace_id, "")}
    ordered = sorted(found.rows, key=lambda each: (each.position, each.id))
    return page(
        "rules.html",
        call.frame("rules"),
        lines=[
            (
                row,
                [names.get(each, "a destination since deleted") for each in row.destination_ids],
                policies.get(str(row.escalation_policy_id)),
                write_matchers(row.matchers).replace("\n", ", "),
                section_words(values_of(_columns(row))),
            )
            for row in ordered
        ],
        may_change=call.may(Role.ADMIN),
    )


def _columns(row: AlertRule) -> dict[str, Any]:
    return {name: getattr(row, name) for name in AlertRuleIn.model_fields}


class RuleEditor(Editor[AlertRule, AlertRuleIn, AlertRulePatch, Values]):
    place = "rules"
    called = "rule"
    all_called = "All rules"
    parts = PARTS
    table = AlertRule
    body = AlertRuleIn
    change = AlertRulePatch
    keeping = rules

    async def usual(self, call: Call) -> Values:
        """Of an alert, what tells it from others; and the destination that is asked for, or that is
        the only one."""
        values = usual_values()
        async with call.context.reading() as session:
            known = await destination_choices(session, call.visitor.workspace_id, [])
        ids = [str(each.id) for each in known]
        asked_for = call.request.query_params.get("destination", "")
        if asked_for in ids or len(ids) == 1:
            values["destination_ids"] = [asked_for if asked_for in ids else ids[0]]
        alert = await call.alert_asked_for()
        if alert is None:
            return values
        telling = [
            {"label": name, "op": "=", "value": alert.labels[name]}
            for name in _TELLING_LABELS
            if alert.labels.get(name)
        ][:1]
        matchers = telling or [{"label": "source", "op": "=", "value": alert.source}]
        return {
            **values,
            "name": f"Like {alert.title}"[:100],
            "matchers": write_matchers(matchers),
        }

    async def stored(self, call: Call, row: AlertRule) -> Values:
        return values_of(_columns(row))

    async def entered(self, call: Call) -> Values:
        fields = await call.fields()
        return read_fields(fields, dict(fields).get("act", ""))

    def rearranged(self, call: Call, values: Values, act: str) -> Values | None:
        return rearrange(values, act, call.visitor.timezone)

    def document(
        self, call: Call, values: Values, row: AlertRule | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        return document_of(values)

    async def tried(
        self, call: Call, values: Values, document: Any, faults: Faults, row: AlertRule | None
    ) -> Response:
        # Who is notified may still be to come; what is there and cannot be read is said.
        told = {name: words for name, words in faults.items() if name != "event_types"}
        return await self.shown(call, values, told, row)

    def said_when_made(self, row: AlertRule) -> str:
        in_force = f"“{row.name}” is in force. It acts on what comes in from now on."
        return in_force if row.is_enabled else f"“{row.name}” is switched off."

    def said_when_saved(self, row: AlertRule) -> str:
        return f"“{row.name}” is saved."

    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        if act == "delete":
            await rules.delete(session, call.visitor.principal, row_id, call.now)
            return "Deleted."
        if act in ("enable", "disable"):
            await self.switched(session, call, row_id, act)
        return None

    async def shown(
        self, call: Call, values: Values, faults: Faults, row: AlertRule | None
    ) -> Response:
        workspace_id = call.visitor.workspace_id
        async with call.context.reading() as session:
            destinations = await destination_choices(
                session, workspace_id, values["destination_ids"]
            )
            tenants = await tenant_choices(session, workspace_id, values["tenant_ids"])
            policies = await policy_choices(session, workspace_id, values["escalation_policy_id"])
        return page(
            "rule.html",
            call.frame("rules"),
            HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            row=row,
            values=values,
            faults=faults,
            words=section_words(values),
            unless=parts_shown(values, "unless"),
            quiet_hours=parts_shown(values, "quiet_hours"),
            destinations=destinations,
            tenants=tenants,
            policies=policies,
            severities=[each.value for each in Severity],
            events=[(each.value, words) for each, words in _EVENTS],
            days_of_week=DAYS_OF_WEEK,
            most_unless=EXEMPTIONS_LIMIT,
            most_quiet_hours=WINDOWS_LIMIT,
            trial=await try_values(call, values),
            days=DAYS,
            may_change=call.may(Role.ADMIN),
        )
