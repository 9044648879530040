"""Rules: which alerts go where, with what each would have done in the last days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console import forms
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, absent, opened
from tocsin.console.matcher_lines import read_matchers, write_matchers
from tocsin.console.render import go, page
from tocsin.explain.preview import draft_rule, over_soon, past_alerts, try_rule
from tocsin.model import EventType, Role, Severity
from tocsin.resources import rules
from tocsin.resources.rules import AlertRuleIn, AlertRulePatch
from tocsin.routing.rules import Rule
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.alerts import PastAlert
from tocsin.store.queries.destinations import page_of_destinations
from tocsin.store.queries.escalation_policies import page_of_policies
from tocsin.store.queries.rules import page_of_rules
from tocsin.store.tables import AlertDestination, AlertRule, StoredPolicy

DAYS = 7
_SHOWN = 5
_TELLING_LABELS = ("team", "service", "job", "cluster", "environment", "env", "host", "instance")
_EVENTS = [each.value for each in (EventType.TRIGGERED, EventType.RESOLVED)]


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/rules", opened(context, _list), methods=["GET"]),
        Route("/rules/new", opened(context, _new, role=Role.ADMIN), methods=["GET", "POST"]),
        Route("/rules/{id:uuid}", opened(context, _edit, role=Role.ADMIN), methods=["GET", "POST"]),
        Route(
            "/rules/{id:uuid}/change",
            opened(context, _change, role=Role.ADMIN),
            methods=["POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a rule may name."""

    destinations: Sequence[AlertDestination]
    policies: Sequence[StoredPolicy]

    def name_of(self, destination_id: UUID) -> str:
        found = (each.name for each in self.destinations if each.id == destination_id)
        return next(found, "a destination since deleted")


async def _choices(session: DatabaseSession, call: Call) -> Choices:
    workspace_id = call.visitor.workspace_id
    found = await page_of_destinations(
        session, workspace_id, PageRequest(200), type=None, is_enabled=None
    )
    policies = await page_of_policies(session, workspace_id, PageRequest(200))
    return Choices(
        sorted(found.rows, key=lambda each: each.name.lower()),
        sorted(policies.rows, key=lambda each: each.name.lower()),
    )


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        found = await page_of_rules(session, call.visitor.workspace_id, PageRequest(200))
        choices = await _choices(session, call)
    ordered = sorted(found.rows, key=lambda each: (each.position, each.id))
    policies = {each.id: each.name for each in choices.policies}
    return page(
        "rules.html",
        call.frame("rules"),
        lines=[
            (
                row,
                [choices.name_of(each) for each in row.destination_ids],
                policies.get(row.escalation_policy_id) if row.escalation_policy_id else None,
                write_matchers(row.matchers).replace("\n", ", "),
            )
            for row in ordered
        ],
        may_change=call.may(Role.ADMIN),
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/rules")
    if call.request.method == "GET":
        return await _ask(call, await _usual(call), {}, None)
    fields = await call.fields()
    values, fault = _values(fields)
    if values["act"] == "try" or fault:
        return await _ask(call, values, {"matchers": fault} if fault else {}, None)
    entered = forms.read(AlertRuleIn, _document(values))
    if entered.body is None:
        return await _ask(call, values, entered.faults, None)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults, None)
    return go("/rules", f"“{saved.made.name}” is in force.")


async def _usual(call: Call) -> dict[str, Any]:
    """What a new rule begins with: of an alert, what tells it from others."""
    values: dict[str, Any] = {
        "name": "",
        "min_severity": "",
        "matchers": "",
        "destination_ids": [],
        "escalation_policy_id": "",
        "cooldown_minutes": "",
        "event_types": _EVENTS,
    }
    alert = await call.alert_asked_for()
    if alert is None:
        return values
    telling = [
        {"label": name, "op": "=", "value": alert.labels[name]}
        for name in _TELLING_LABELS
        if alert.labels.get(name)
    ][:1]
    matchers = telling or [{"label": "source", "op": "=", "value": alert.source}]
    values |= {
        "name": f"Like {alert.title}"[:100],
        "min_severity": "",
        "matchers": write_matchers(matchers),
    }
    return values


def _values(fields: Sequence[tuple[str, str]]) -> tuple[dict[str, Any], str | None]:
    form = dict(fields)
    _, fault = read_matchers(form.get("matchers", ""))
    values = {
        "act": form.get("act", ""),
        "name": form.get("name", "").strip(),
        "min_severity": form.get("min_severity", ""),
        "matchers": form.get("matchers", "")[:20_000],
        "destination_ids": [value for name, value in fields if name == "destination_ids"],
        "event_types": [value for name, value in fields if name == "event_types"],
        "escalation_policy_id": form.get("escalation_policy_id", ""),
        "cooldown_minutes": form.get("cooldown_minutes", "").strip(),
    }
    return values, fault


def _document(values: Mapping[str, Any]) -> dict[str, Any]:
    minutes = values["cooldown_minutes"]
    cooldown = int(minutes) * 60 if minutes.isdecimal() and len(minutes) < 8 else None
    return {
        "name": values["name"],
        "event_types": values["event_types"],
        "min_severity": values["min_severity"] or None,
        "matchers": read_matchers(values["matchers"])[0],
        "destination_ids": values["destination_ids"],
        "escalation_policy_id": values["escalation_policy_id"] or None,
        "cooldown_seconds": cooldown,
    }


async def _create(call: Call, body: AlertRuleIn) -> AlertRule:
    caller = call.visitor.principal
    row = rules.make(caller, body, call.now)
    async with call.context.configuring() as session:
        await rules.create(session, caller, row, call.now)
    return row


async def _edit(call: Call) -> Response:
    rule_id: UUID = call.request.path_params["id"]
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, AlertRule, call.visitor.workspace_id, rule_id)
    if row is None:
        return absent("rule", ("/rules", "All rules"))
    if call.request.method == "GET":
        return await _ask(call, _stored(row), {}, row)
    values, fault = _values(await call.fields())
    if values["act"] == "try" or fault:
        return await _ask(call, values, {"matchers": fault} if fault else {}, row)
    entered = forms.read(AlertRulePatch, _document(values))
    if entered.body is None:
        return await _ask(call, values, entered.faults, row)
    saved = await forms.save(_update(call, rule_id, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults, row)
    return go("/rules", f"“{saved.made.name}” is saved.")


def _stored(row: AlertRule) -> dict[str, Any]:
    cooldown = row.cooldown_seconds
    return {
        "name": row.name,
        "min_severity": row.min_severity.value if row.min_severity else "",
        "matchers": write_matchers(row.matchers),
        "destination_ids": [str(each) for each in row.destination_ids],
        "event_types": list(row.event_types),
        "escalation_policy_id": str(row.escalation_policy_id or ""),
        "cooldown_minutes": str(cooldown // 60) if cooldown else "",
    }


async def _update(call: Call, rule_id: UUID, body: AlertRulePatch) -> AlertRule:
    async with call.context.configuring() as session:
        return await rules.update(session, call.visitor.principal, rule_id, body, call.now)


async def _change(call: Call) -> Response:
    rule_id: UUID = call.request.path_params["id"]
    act = (await call.form()).get("act")
    if act in ("enable", "disable"):
        body = AlertRulePatch(is_enabled=act == "enable")
        saved = await forms.save(_update(call, rule_id, body))
        said = "" if saved.made else next(iter(saved.faults.values()))
    elif act == "delete":
        deleted = await forms.save(_delete(call, rule_id))
        said = "Deleted." if deleted.made else next(iter(deleted.faults.values()))
    else:
        said = ""
    return go("/rules", said)


async def _delete(call: Call, rule_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await rules.delete(session, call.visitor.principal, rule_id, call.now)
    return True


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """What the rule would have done."""

    matched: int
    considered: int
    over_soon: int
    shown: Sequence[PastAlert]


async def _try(call: Call, values: Mapping[str, Any]) -> RuleTrial | None:
    matchers, fault = read_matchers(values["matchers"])
    if fault:
        return None
    least = values["min_severity"]
    rule = draft_rule(
        matchers, Severity(least) if least in Severity.__members__ else None, None, []
    )
    if not isinstance(rule, Rule):
        return None
    async with call.context.reading() as session:
        since = call.now - timedelta(days=DAYS)
        past = await past_alerts(session, call.visitor.workspace_id, since)
    outcome = await try_rule(rule, past)
    return RuleTrial(
        len(outcome.matched),
        outcome.considered,
        over_soon(outcome.matched),
        outcome.matched[:_SHOWN],
    )


async def _ask(
    call: Call, values: Mapping[str, Any], faults: Mapping[str, str], row: AlertRule | None
) -> Response:
    async with call.context.reading() as session:
        choices = await _choices(session, call)
    return page(
        "rule.html",
        call.frame("rules"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        row=row,
        values=values,
        faults=faults,
        destinations=[(str(each.id), each.name, each.type) for each in choices.destinations],
        policies=[(str(each.id), each.name) for each in choices.policies],
        severities=[each.value for each in Severity],
        events=[
            (EventType.TRIGGERED.value, "when it begins, or gets worse"),
            (EventType.ACKNOWLEDGED.value, "when somebody takes it on"),
            (EventType.RESOLVED.value, "when it is over"),
            (EventType.CLOSED.value, "when somebody closes it"),
        ],
        trial=await _try(call, values),
        days=DAYS,
    )
