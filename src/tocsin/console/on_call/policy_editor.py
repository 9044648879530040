"""The editor of an escalation policy: its steps in a form, and who would be woken when before it is
saved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms.choices import destination_choices
from tocsin.console.forms.editing import Document, Editor, Faults
from tocsin.console.forms.forms import number_or_text
from tocsin.console.forms.matcher_lines import read_matchers, write_matchers
from tocsin.console.forms.repeated_fields import Part, one, read_parts, rearranged
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call
from tocsin.console.on_call.policy_forecast import ForecastShown, forecast_of
from tocsin.console.on_call.schedule_lines import read_hours, write_hours
from tocsin.model import Role, Severity, StepMode, TargetKind
from tocsin.resources import escalation_policies
from tocsin.resources.escalation_policies import (
    MOST_STEPS,
    EscalationPolicyIn,
    EscalationPolicyPatch,
)
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.schedules import schedules_of
from tocsin.store.queries.users import page_of_users
from tocsin.store.tables import StoredPolicy

_FIELDS = ("targets", "mode", "wait", "min_severity", "matchers", "hours")
_PARTS = {"steps": _FIELDS}
_VALUES = ("name", "repeat", "exhausted", "ack_timeout")
_GROUPS = (
    (TargetKind.SCHEDULE, "Whoever is on call in"),
    (TargetKind.USER, "People"),
    (TargetKind.DESTINATION, "Destinations"),
)
_BLANK: Part = {"targets": [""], "mode": [StepMode.EVERYONE.value], "wait": ["5"]}


def routes(context: ConsoleContext) -> list[Route]:
    return PolicyEditor().routes(context)


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """What was entered."""

    values: Mapping[str, str]
    steps: Sequence[Part]

    @property
    def targets(self) -> set[str]:
        """All that are named, as `user:ID`."""
        return {each for part in self.steps for each in part.get("targets", ()) if each}


@dataclass(frozen=True, slots=True)
class TargetChoices:
    """Whom and what a step may name, by kind: ids and names."""

    by_kind: Mapping[TargetKind, Sequence[tuple[str, str]]]


async def _choices(session: DatabaseSession, workspace_id: UUID, form: PolicyForm) -> TargetChoices:
    named = [each.partition(":")[::2] for each in sorted(form.targets)]
    people = await page_of_users(
        session, workspace_id, PageRequest(200), q=None, role=None, is_active=True
    )
    destinations = await destination_choices(
        session,
        workspace_id,
        [form.values["exhausted"], *(id for kind, id in named if kind == TargetKind.DESTINATION)],
    )
    found: dict[TargetKind, Sequence[Any]] = {
        TargetKind.SCHEDULE: await schedules_of(session, workspace_id),
        TargetKind.USER: people.rows,
        TargetKind.DESTINATION: destinations,
    }
    return TargetChoices(
        {
            kind: _offered(rows, [id for each, id in named if each == kind])
            for kind, rows in found.items()
        }
    )


def _offered(rows: Sequence[Any], named: Collection[str]) -> list[tuple[str, str]]:
    """By name; and what is named already and is not among them, so that saving does not lose it."""
    offered = sorted(((str(each.id), each.name) for each in rows), key=lambda each: each[1].lower())
    known = {id for id, _ in offered}
    return [*offered, *((id, "one that is not in this list") for id in named if id not in known)]


class PolicyEditor(Editor[StoredPolicy, EscalationPolicyIn, EscalationPolicyPatch, PolicyForm]):
    place = "policies"
    called = "policy"
    all_called = "All policies"
    edit_at = "/edit"
    parts = _PARTS
    table = StoredPolicy
    body = EscalationPolicyIn
    change = EscalationPolicyPatch
    keeping = escalation_policies

    async def usual(self, call: Call) -> PolicyForm:
        values = {"name": "", "repeat": "0", "exhausted": "", "ack_timeout": ""}
        return PolicyForm(values, [_BLANK])

    async def stored(self, call: Call, row: StoredPolicy) -> PolicyForm:
        values = {
            "name": row.name,
            "repeat": str(row.repeat),
            "exhausted": str(row.on_exhausted_destination_id or ""),
            "ack_timeout": "" if row.ack_timeout_minutes is None else str(row.ack_timeout_minutes),
        }
        return PolicyForm(values, [_part(each) for each in row.steps])

    async def entered(self, call: Call) -> PolicyForm:
        fields = await call.fields()
        given = dict(fields)
        values = {name: given.get(name, "").strip() for name in _VALUES}
        return PolicyForm(values, read_parts(fields, "steps", _FIELDS, MOST_STEPS))

    def rearranged(self, call: Call, values: PolicyForm, act: str) -> PolicyForm | None:
        steps = _changed(values, act)
        return None if steps is None else replace(values, steps=steps)

    def document(
        self, call: Call, values: PolicyForm, row: StoredPolicy | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        return _document(call, values)

    async def tried(
        self,
        call: Call,
        values: PolicyForm,
        document: Document,
        faults: Faults,
        row: StoredPolicy | None,
    ) -> Response:
        """With the forecast, as if it were saved."""
        drafted = await self.drafted(call, document)
        if faults or drafted.made is None:
            return await self.shown(call, values, {**drafted.faults, **faults}, row)
        draft = escalation_policies.routed(drafted.made)
        async with call.context.reading() as session:
            forecast = await forecast_of(call, session, draft, Severity.CRITICAL)
        return await self._shown(call, values, {}, row, forecast)

    def after(self, row_id: UUID) -> str:
        return f"/policies/{row_id}"

    def said_when_made(self, row: StoredPolicy) -> str:
        return f"“{row.name}” is made; name it in a rule."

    def said_when_saved(self, row: StoredPolicy) -> str:
        return f"“{row.name}” is saved; what runs ends as it began."

    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        if act != "delete":
            return None
        await escalation_policies.delete(session, call.visitor.principal, row_id, call.now)
        return "Deleted."

    async def shown(
        self, call: Call, values: PolicyForm, faults: Faults, row: StoredPolicy | None
    ) -> Response:
        return await self._shown(call, values, faults, row, None)

    async def _shown(
        self,
        call: Call,
        form: PolicyForm,
        faults: Faults,
        row: StoredPolicy | None,
        forecast: ForecastShown | None,
    ) -> Response:
        async with call.context.reading() as session:
            choices = await _choices(session, call.visitor.workspace_id, form)
        return page(
            "policy_edit.html",
            call.frame("policies"),
            HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
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
            faults=faults,
            groups=[(kind.value, words, choices.by_kind[kind]) for kind, words in _GROUPS],
            destinations=choices.by_kind[TargetKind.DESTINATION],
            severities=[each.value for each in Severity],
            forecast=forecast,
            may_change=call.may(Role.ADMIN),
            can_add=len(form.steps) < MOST_STEPS,
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


def _document(call: Call, form: PolicyForm) -> tuple[dict[str, Any], dict[str, str]]:
    """As the API has it, and what cannot be read, by field."""
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
        wait = _seconds(one(part, "wait"))
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
        "repeat": number_or_text(form.values["repeat"]),
        "on_exhausted_destination_id": form.values["exhausted"] or None,
        "ack_timeout_minutes": number_or_text(form.values["ack_timeout"])
        if form.values["ack_timeout"]
        else None,
    }
    return document, faults


def _seconds(minutes: str) -> int | None:
    try:
        return round(float(minutes.replace(",", ".")) * 60)
    except (ValueError, OverflowError):
        return None


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
