"""The editor of an escalation policy: its steps in a form, and who would be woken when before it is
saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console import forms
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, absent, opened
from tocsin.console.matcher_lines import read_matchers, write_matchers
from tocsin.console.policy_forecast import ForecastShown, forecast_of
from tocsin.console.render import go, page
from tocsin.console.repeated_fields import Part, one, read_parts, rearranged
from tocsin.console.schedule_lines import read_hours, write_hours
from tocsin.model import Role, Severity, StepMode, TargetKind
from tocsin.resources import escalation_policies
from tocsin.resources.escalation_policies import (
    MOST_STEPS,
    EscalationPolicyIn,
    EscalationPolicyPatch,
)
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.destinations import page_of_destinations
from tocsin.store.queries.schedules import schedules_of
from tocsin.store.queries.users import page_of_users
from tocsin.store.tables import StoredPolicy

_FIELDS = ("targets", "mode", "wait", "min_severity", "matchers", "hours")
_VALUES = ("name", "repeat", "exhausted", "ack_timeout")
_GROUPS = (
    (TargetKind.SCHEDULE, "Whoever is on call in"),
    (TargetKind.USER, "People"),
    (TargetKind.DESTINATION, "Destinations"),
)
_BLANK: Part = {"targets": [""], "mode": [StepMode.EVERYONE.value], "wait": ["5"]}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/policies/new", opened(context, _new, role=Role.ADMIN), methods=["GET", "POST"]),
        Route(
            "/policies/{id:uuid}/edit",
            opened(context, _edit, role=Role.ADMIN),
            methods=["GET", "POST"],
        ),
        Route(
            "/policies/{id:uuid}/delete",
            opened(context, _delete, role=Role.ADMIN),
            methods=["POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """What was entered. `faults` by field; those of a step as `steps-0-hours`."""

    values: Mapping[str, str]
    steps: Sequence[Part]
    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TargetChoices:
    """Whom and what a step may name, by kind: ids and names."""

    by_kind: Mapping[TargetKind, Sequence[tuple[str, str]]]


async def _choices(session: DatabaseSession, workspace_id: UUID) -> TargetChoices:
    people = await page_of_users(
        session, workspace_id, PageRequest(200), q=None, role=None, is_active=True
    )
    destinations = await page_of_destinations(
        session, workspace_id, PageRequest(200), type=None, is_enabled=None
    )
    rows: dict[TargetKind, Sequence[Any]] = {
        TargetKind.SCHEDULE: await schedules_of(session, workspace_id),
        TargetKind.USER: people.rows,
        TargetKind.DESTINATION: destinations.rows,
    }
    return TargetChoices(
        {
            kind: sorted(
                ((str(each.id), each.name) for each in found), key=lambda each: each[1].lower()
            )
            for kind, found in rows.items()
        }
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/policies")
    if call.request.method == "GET":
        values = {"name": "", "repeat": "0", "exhausted": "", "ack_timeout": ""}
        return await _shown(call, PolicyForm(values, [_BLANK], {}), None, None)
    form, act = await _entered(call)
    if (steps := _changed(form, act)) is not None:
        return await _shown(call, PolicyForm(form.values, steps, {}), None, None)
    document, form = _document(call, form)
    entered = forms.read(EscalationPolicyIn, document)
    if form.faults or entered.body is None:
        return await _shown(call, _with(form, {**entered.faults, **form.faults}), None, None)
    if act == "try":
        return await _tried(call, form, entered.body, None)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return await _shown(call, _with(form, saved.faults), None, None)
    return go(f"/policies/{saved.made.id}", f"“{saved.made.name}” is made; name it in a rule.")


async def _edit(call: Call) -> Response:
    policy_id: UUID = call.request.path_params["id"]
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, StoredPolicy, call.visitor.workspace_id, policy_id)
    if row is None:
        return absent("policy", ("/policies", "All policies"))
    if call.request.method == "GET":
        return await _shown(call, _stored(row), row, None)
    form, act = await _entered(call)
    if (steps := _changed(form, act)) is not None:
        return await _shown(call, PolicyForm(form.values, steps, {}), row, None)
    document, form = _document(call, form)
    entered = forms.read(EscalationPolicyPatch, document)
    if form.faults or entered.body is None:
        return await _shown(call, _with(form, {**entered.faults, **form.faults}), row, None)
    if act == "try":
        whole = EscalationPolicyIn.model_validate(document)
        return await _tried(call, form, whole, row)
    saved = await forms.save(_update(call, policy_id, entered.body))
    if saved.made is None:
        return await _shown(call, _with(form, saved.faults), row, None)
    return go(
        f"/policies/{policy_id}", f"“{saved.made.name}” is saved; what runs ends as it began."
    )


async def _entered(call: Call) -> tuple[PolicyForm, str]:
    """The form, and which of its buttons was pressed."""
    fields = await call.fields()
    given = dict(fields)
    values = {name: given.get(name, "").strip() for name in _VALUES}
    return PolicyForm(values, read_parts(fields, "steps", _FIELDS, MOST_STEPS), {}), given.get(
        "act", ""
    )


def _changed(form: PolicyForm, act: str) -> list[Part] | None:
    """The steps with one more target, or put in, moved and taken out; None if that is not asked."""
    word, _, number = act.partition("-")
    if word == "target" and number.isdecimal() and int(number) < len(form.steps):
        steps = [dict(part) for part in form.steps]
        chosen = [each for each in steps[int(number)].get("targets", []) if each]
        steps[int(number)]["targets"] = [*chosen, ""]
        return steps
    return rearranged(form.steps, act, _BLANK)


def _document(call: Call, form: PolicyForm) -> tuple[dict[str, Any], PolicyForm]:
    """As the API has it, and the form with what cannot be read."""
    faults: dict[str, str] = {}
    steps = []
    for place, part in enumerate(form.steps):
        targets = [each.partition(":") for each in part.get("targets", []) if each]
        if not targets:
            faults[f"steps-{place}-targets"] = "Say who is reached."
        matchers, fault = read_matchers(one(part, "matchers"))
        if fault:
            faults[f"steps-{place}-matchers"] = fault
        hours, fault = read_hours(one(part, "hours"), call.visitor.timezone)
        if fault:
            faults[f"steps-{place}-hours"] = fault
        severity = one(part, "min_severity") or None
        wait = _minutes(one(part, "wait"))
        if wait is None or not 10 <= wait <= escalation_policies.MOST_WAIT:
            faults[f"steps-{place}-wait"] = "Minutes, from 0.2 to 10080."
        condition = {"min_severity": severity, "matchers": matchers, "hours": hours}
        steps.append(
            {
                "targets": [{"type": kind, "id": id} for kind, _, id in targets],
                "mode": one(part, "mode") or StepMode.EVERYONE.value,
                "wait_seconds": wait or 0,
                "condition": condition if severity or matchers or hours else None,
            }
        )
    document = {
        "name": form.values["name"],
        "steps": steps,
        "repeat": _number(form.values["repeat"]),
        "on_exhausted_destination_id": form.values["exhausted"] or None,
        "ack_timeout_minutes": _number(form.values["ack_timeout"])
        if form.values["ack_timeout"]
        else None,
    }
    return document, _with(form, faults)


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 8 else text


def _minutes(text: str) -> int | None:
    """In seconds."""
    try:
        return round(float(text.replace(",", ".")) * 60)
    except (ValueError, OverflowError):
        return None


def _with(form: PolicyForm, faults: Mapping[str, str]) -> PolicyForm:
    return PolicyForm(form.values, form.steps, faults)


def _stored(row: StoredPolicy) -> PolicyForm:
    values = {
        "name": row.name,
        "repeat": str(row.repeat),
        "exhausted": str(row.on_exhausted_destination_id or ""),
        "ack_timeout": "" if row.ack_timeout_minutes is None else str(row.ack_timeout_minutes),
    }
    return PolicyForm(values, [_part(each) for each in row.steps], {})


def _part(step: Mapping[str, Any]) -> Part:
    condition = step.get("condition") or {}
    return {
        "targets": [f"{each['type']}:{each['id']}" for each in step["targets"]],
        "mode": [step.get("mode", StepMode.EVERYONE.value)],
        "wait": [f"{step['wait_seconds'] / 60:g}"],
        "min_severity": [condition.get("min_severity") or ""],
        "matchers": [write_matchers(condition.get("matchers") or ())],
        "hours": [write_hours(condition.get("hours") or ())],
    }


async def _tried(
    call: Call, form: PolicyForm, body: EscalationPolicyIn, row: StoredPolicy | None
) -> Response:
    """The form with its forecast, as if it were saved."""
    drafted = await forms.save(_draft(call, body))
    if drafted.made is None:
        return await _shown(call, _with(form, drafted.faults), row, None)
    draft = escalation_policies.routed(drafted.made)
    async with call.context.reading() as session:
        forecast = await forecast_of(call, session, draft, Severity.CRITICAL)
    return await _shown(call, form, row, forecast)


async def _draft(call: Call, body: EscalationPolicyIn) -> StoredPolicy:
    return escalation_policies.make(call.visitor.principal, body, call.now)


async def _create(call: Call, body: EscalationPolicyIn) -> StoredPolicy:
    caller = call.visitor.principal
    row = escalation_policies.make(caller, body, call.now)
    async with call.context.configuring() as session:
        await escalation_policies.create(session, caller, row, call.now)
    return row


async def _update(call: Call, policy_id: UUID, body: EscalationPolicyPatch) -> StoredPolicy:
    async with call.context.configuring() as session:
        return await escalation_policies.update(
            session, call.visitor.principal, policy_id, body, call.now
        )


async def _delete(call: Call) -> Response:
    policy_id: UUID = call.request.path_params["id"]

    async def delete() -> bool:
        async with call.context.configuring() as session:
            await escalation_policies.delete(session, call.visitor.principal, policy_id, call.now)
        return True

    deleted = await forms.save(delete())
    if deleted.made is None:
        return go(f"/policies/{policy_id}", forms.first(deleted.faults))
    return go("/policies", "Deleted.")


async def _shown(
    call: Call, form: PolicyForm, row: StoredPolicy | None, forecast: ForecastShown | None
) -> Response:
    async with call.context.reading() as session:
        choices = await _choices(session, call.visitor.workspace_id)
    return page(
        "policy_edit.html",
        call.frame("policies"),
        HTTPStatus.UNPROCESSABLE_ENTITY if form.faults else HTTPStatus.OK,
        row=row,
        values=form.values,
        steps=[
            {
                **{name: one(part, name) for name in _FIELDS},
                "targets": part.get("targets") or [""],
                "is_conditional": any(
                    one(part, name) for name in ("min_severity", "matchers", "hours")
                ),
            }
            for part in form.steps
        ],
        faults=form.faults,
        groups=[(kind.value, words, choices.by_kind[kind]) for kind, words in _GROUPS],
        destinations=choices.by_kind[TargetKind.DESTINATION],
        severities=[each.value for each in Severity],
        forecast=forecast,
        may_change=call.may(Role.ADMIN),
        can_add=len(form.steps) < MOST_STEPS,
    )
