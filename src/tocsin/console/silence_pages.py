"""Silences: what nobody is notified of, until when, and why."""

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
from tocsin.console.forms import zoned
from tocsin.console.matcher_lines import read_matchers, write_matchers
from tocsin.console.render import go, local_input, page
from tocsin.explain.preview import draft_silence, past_alerts, try_cover
from tocsin.model import Role
from tocsin.resources import silences
from tocsin.resources.silences import SilenceIn, SilencePatch
from tocsin.routing.rules import Silence
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.held_now import held_now
from tocsin.store.queries.silences import SilenceState, page_of_silences, state_of
from tocsin.store.tables import StoredSilence

_HOURS = (("1 hour", 1), ("4 hours", 4), ("12 hours", 12), ("1 day", 24), ("1 week", 168))
_CHANGED = ("matchers", "starts_at", "ends_at", "comment")
_LIKE_THIS = ("alertname", "host", "instance", "service", "job")


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/silences", opened(context, _list), methods=["GET"]),
        Route(
            "/silences/new",
            opened(context, _new, role=Role.RESPONDER),
            methods=["GET", "POST"],
        ),
        Route(
            "/silences/{id:uuid}",
            opened(context, _edit, role=Role.RESPONDER),
            methods=["GET", "POST"],
        ),
        Route(
            "/silences/{id:uuid}/change",
            opened(context, _change, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


async def _list(call: Call) -> Response:
    shown = call.request.query_params.get("show", "active")
    state = {each.value: each for each in SilenceState}.get(shown, SilenceState.ACTIVE)
    async with call.context.reading() as session:
        found = await page_of_silences(
            session, call.visitor.workspace_id, PageRequest(200), state=state, now=call.now
        )
        held = await held_now(session, call.visitor.workspace_id)
    return page(
        "silences.html",
        call.frame("silences"),
        lines=[
            (
                row,
                write_matchers(row.matchers).replace("\n", ", "),
                state_of(row, call.now).value,
                held.get(row.id, 0),
            )
            for row in sorted(found.rows, key=lambda each: each.ends_at)
        ],
        shown=state.value,
        may_act=call.may(Role.RESPONDER),
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.RESPONDER):
        return go("/silences")
    if call.request.method == "GET":
        return await _ask(call, await _like(call), {})
    form = await call.form()
    values = {
        "matchers": form.get("matchers", "")[:20_000],
        "hours": form.get("hours", "4"),
        "comment": form.get("comment", "").strip(),
    }
    matchers, fault = read_matchers(values["matchers"])
    if form.get("act") == "try" or fault:
        return await _ask(call, values, {"matchers": fault} if fault else {})
    hours = int(values["hours"]) if values["hours"].isdecimal() else 4
    ends_at = call.now + timedelta(hours=min(max(hours, 1), 8_760))
    document = {
        "matchers": matchers,
        "ends_at": ends_at.isoformat(),
        "comment": values["comment"],
        "author": call.visitor.name,
    }
    entered = forms.read(SilenceIn, document)
    if entered.body is None:
        return await _ask(call, values, entered.faults)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults)
    return go("/silences", "In force at once.")


async def _like(call: Call) -> dict[str, Any]:
    """What a new silence begins with: of an alert, what it is known by."""
    values = {"matchers": "", "hours": "4", "comment": ""}
    alert = await call.alert_asked_for()
    if alert is None:
        return values
    known = [
        {"label": name, "op": "=", "value": alert.labels[name]}
        for name in _LIKE_THIS
        if alert.labels.get(name)
    ]
    matchers = known or [
        {"label": "source", "op": "=", "value": alert.source},
        {"label": "title", "op": "=", "value": alert.title},
    ]
    return {**values, "matchers": write_matchers(matchers)}


async def _create(call: Call, body: SilenceIn) -> StoredSilence:
    caller = call.visitor.principal
    row = silences.make(caller, body, call.now)
    async with call.context.configuring() as session:
        await silences.create(session, caller, row, call.now)
    return row


async def _edit(call: Call) -> Response:
    silence_id: UUID = call.request.path_params["id"]
    async with call.context.reading() as session:
        row = await workspace_rows.find(
            session, StoredSilence, call.visitor.workspace_id, silence_id
        )
    if row is None:
        return absent("silence", ("/silences", "All silences"))
    zone = call.visitor.timezone
    if call.request.method == "GET":
        return await _ask(call, _stored(row, zone), {}, row)
    form = await call.form()
    values = {name: form.get(name, "").strip()[:20_000] for name in _CHANGED}
    matchers, fault = read_matchers(values["matchers"])
    if form.get("act") == "try" or fault:
        return await _ask(call, values, {"matchers": fault} if fault else {}, row)
    document: dict[str, Any] = {"matchers": matchers, "comment": values["comment"]}
    document["ends_at"] = zoned(values["ends_at"], zone)
    if row.starts_at > call.now:
        document["starts_at"] = zoned(values["starts_at"], zone)
    entered = forms.read(SilencePatch, document)
    if entered.body is None:
        return await _ask(call, values, entered.faults, row)
    saved = await forms.save(_update(call, silence_id, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults, row)
    return go("/silences", "Saved, and in force at once.")


def _stored(row: StoredSilence, zone: str) -> dict[str, str]:
    return {
        "matchers": write_matchers(row.matchers),
        "starts_at": local_input(row.starts_at, zone),
        "ends_at": local_input(row.ends_at, zone),
        "comment": row.comment,
    }


async def _update(call: Call, silence_id: UUID, body: SilencePatch) -> StoredSilence:
    async with call.context.configuring() as session:
        return await silences.update(session, call.visitor.principal, silence_id, body, call.now)


async def _ask(
    call: Call,
    values: Mapping[str, Any],
    faults: Mapping[str, str],
    row: StoredSilence | None = None,
) -> Response:
    matched, considered = None, 0
    matchers, fault = read_matchers(values["matchers"])
    draft = draft_silence(matchers, call.now) if matchers and not fault else None
    if isinstance(draft, Silence):
        async with call.context.reading() as session:
            since = call.now - timedelta(days=7)
            past = await past_alerts(session, call.visitor.workspace_id, since)
        outcome = await try_cover(draft, past.alerts)
        matched, considered = outcome.held, outcome.considered
    return page(
        "silence_new.html",
        call.frame("silences"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        values=values,
        faults=faults,
        hours=_HOURS,
        row=row,
        has_begun=row is not None and row.starts_at <= call.now,
        matched=matched,
        considered=considered,
        live=None if matched is None else sum(each.status.is_live for each in matched),
    )


async def _change(call: Call) -> Response:
    silence_id: UUID = call.request.path_params["id"]
    if (await call.form()).get("act") != "expire":
        return go("/silences")
    saved = await forms.save(_expire(call, silence_id))
    words = "Over; what it held is looked at again." if saved.made else saved.faults[forms.WHOLE]
    return go("/silences", words)


async def _expire(call: Call, silence_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await silences.expire(session, call.visitor.principal, silence_id, call.now)
    return True
