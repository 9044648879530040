"""Inhibition rules: which alerts hold which others, tried on the past before they hold."""

from __future__ import annotations

from collections.abc import Mapping
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
from tocsin.explain.inhibition_preview import InhibitionOutcome, try_inhibition
from tocsin.explain.preview import past_alerts
from tocsin.model import Role
from tocsin.resources import inhibition_rules
from tocsin.resources.inhibition_rules import (
    InhibitionRuleIn,
    InhibitionRulePatch,
    check_matchers,
    routed,
)
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.held_now import held_now
from tocsin.store.queries.inhibition_rules import page_of_inhibition_rules
from tocsin.store.tables import StoredInhibitionRule

DAYS = 7
_SECONDS = ("delay_seconds", "grace_seconds")
_USUAL = {
    "name": "",
    "source_matchers": "",
    "target_matchers": "",
    "equal": "host",
    "delay_seconds": "30",
    "grace_seconds": "60",
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/inhibition", opened(context, _list), methods=["GET"]),
        Route("/inhibition/new", opened(context, _new, role=Role.ADMIN), methods=["GET", "POST"]),
        Route(
            "/inhibition/{id:uuid}",
            opened(context, _edit, role=Role.ADMIN),
            methods=["GET", "POST"],
        ),
        Route(
            "/inhibition/{id:uuid}/change",
            opened(context, _change, role=Role.ADMIN),
            methods=["POST"],
        ),
    ]


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        found = await page_of_inhibition_rules(session, call.visitor.workspace_id, PageRequest(200))
        held = await held_now(session, call.visitor.workspace_id)
    return page(
        "inhibition.html",
        call.frame("inhibition"),
        lines=[
            (
                row,
                write_matchers(row.source_matchers).replace("\n", ", "),
                write_matchers(row.target_matchers).replace("\n", ", "),
                held.get(row.id, 0),
            )
            for row in sorted(found.rows, key=lambda each: each.name.lower())
        ],
        may_change=call.may(Role.ADMIN),
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/inhibition")
    if call.request.method == "GET":
        return await _ask(call, await _usual(call), {}, None)
    values = _values(await call.form())
    document, faults = _document(values)
    if values["act"] == "try" or faults:
        return await _ask(call, values, faults, None)
    entered = forms.read(InhibitionRuleIn, document)
    if entered.body is None:
        return await _ask(call, values, entered.faults, None)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults, None)
    return go("/inhibition", f"“{saved.made.name}” is in force.")


async def _usual(call: Call) -> dict[str, str]:
    """What a new rule begins with: of an alert, that it holds others."""
    alert = await call.alert_asked_for()
    if alert is None:
        return dict(_USUAL)
    matchers = [{"label": "title", "op": "=", "value": alert.title}]
    return {
        **_USUAL,
        "name": alert.title[:100],
        "source_matchers": write_matchers(matchers),
        "equal": "host" if "host" in alert.labels else "",
    }


def _values(form: Mapping[str, str]) -> dict[str, str]:
    return {name: form.get(name, "").strip()[:20_000] for name in (*_USUAL, "act")}


def _document(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """As the API has it, and what cannot be read, by field."""
    document: dict[str, Any] = {
        "name": values["name"],
        "equal": [each for each in values["equal"].replace(",", " ").split() if each],
    }
    faults = {}
    for name in ("source_matchers", "target_matchers"):
        document[name], fault = read_matchers(values[name])
        if fault:
            faults[name] = fault
    for name in _SECONDS:
        text = values[name]
        document[name] = int(text) if text.isdecimal() and len(text) < 8 else text
    return document, faults


async def _create(call: Call, body: InhibitionRuleIn) -> StoredInhibitionRule:
    caller = call.visitor.principal
    row = inhibition_rules.make(caller, body, call.now)
    async with call.context.configuring() as session:
        await inhibition_rules.create(session, caller, row, call.now)
    return row


async def _edit(call: Call) -> Response:
    rule_id: UUID = call.request.path_params["id"]
    async with call.context.reading() as session:
        row = await workspace_rows.find(
            session, StoredInhibitionRule, call.visitor.workspace_id, rule_id
        )
    if row is None:
        return absent("inhibition rule", ("/inhibition", "All inhibition rules"))
    if call.request.method == "GET":
        return await _ask(call, _stored(row), {}, row)
    values = _values(await call.form())
    document, faults = _document(values)
    if values["act"] == "try" or faults:
        return await _ask(call, values, faults, row)
    entered = forms.read(InhibitionRulePatch, document)
    if entered.body is None:
        return await _ask(call, values, entered.faults, row)
    saved = await forms.save(_update(call, rule_id, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults, row)
    return go("/inhibition", f"“{saved.made.name}” is saved.")


def _stored(row: StoredInhibitionRule) -> dict[str, str]:
    return {
        "name": row.name,
        "source_matchers": write_matchers(row.source_matchers),
        "target_matchers": write_matchers(row.target_matchers),
        "equal": " ".join(row.equal),
        **{name: str(getattr(row, name)) for name in _SECONDS},
    }


async def _update(call: Call, rule_id: UUID, body: InhibitionRulePatch) -> StoredInhibitionRule:
    async with call.context.configuring() as session:
        return await inhibition_rules.update(
            session, call.visitor.principal, rule_id, body, call.now
        )


async def _change(call: Call) -> Response:
    rule_id: UUID = call.request.path_params["id"]
    act = (await call.form()).get("act")
    said = ""
    if act in ("enable", "disable"):
        body = InhibitionRulePatch(is_enabled=act == "enable")
        saved = await forms.save(_update(call, rule_id, body))
        said = "" if saved.made else forms.first(saved.faults)
    elif act == "delete":
        deleted = await forms.save(_delete(call, rule_id))
        said = (
            "Deleted; what only this rule held is looked at again."
            if deleted.made
            else forms.first(deleted.faults)
        )
    return go("/inhibition", said)


async def _delete(call: Call, rule_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await inhibition_rules.delete(session, call.visitor.principal, rule_id, call.now)
    return True


async def _try(call: Call, values: Mapping[str, str]) -> InhibitionOutcome | None:
    """What it would have held in the last days; None while it cannot be tried."""
    document, faults = _document(values)
    entered = forms.read(InhibitionRuleIn, {**document, "name": "preview"})
    if faults or entered.body is None:
        return None
    made = await forms.save(_draft(call, entered.body))
    if made.made is None:
        return None
    async with call.context.reading() as session:
        since = call.now - timedelta(days=DAYS)
        past = await past_alerts(session, call.visitor.workspace_id, since)
    return await try_inhibition(routed(made.made), past.alerts, call.now)


async def _draft(call: Call, body: InhibitionRuleIn) -> StoredInhibitionRule:
    row = inhibition_rules.make(call.visitor.principal, body, call.now)
    check_matchers(row)
    return row


async def _ask(
    call: Call,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    row: StoredInhibitionRule | None,
) -> Response:
    return page(
        "inhibition_rule.html",
        call.frame("inhibition"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        row=row,
        values=values,
        faults=faults,
        trial=await _try(call, values),
        days=DAYS,
        may_change=call.may(Role.ADMIN),
    )
