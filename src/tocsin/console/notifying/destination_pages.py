"""Destinations: where messages go, and whether they would arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.forms.config_fields import fields_of, read_config
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.console.overview.first_steps import next_step
from tocsin.delivery.channels.registry import CHANNELS
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import Role
from tocsin.resources import destinations, recording
from tocsin.resources.destination_trials import (
    DestinationDisabled,
    LastTest,
    TrialQueued,
    TrialRateLimited,
    last_tests,
    plan_trial,
)
from tocsin.resources.destinations import (
    AlertDestinationIn,
    AlertDestinationPatch,
    NewDestination,
    shown_columns,
)
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.destinations import page_of_destinations
from tocsin.store.queries.health import failing_destinations
from tocsin.store.queries.rules import rules_naming_destination
from tocsin.store.tables import AlertDestination

_KINDS = {
    "teams": ("Microsoft Teams", "message-square-text"),
    "slack": ("Slack", "hash"),
    "email": ("Email", "mail"),
    "webhook": ("Webhook", "webhook"),
    "pagerduty": ("PagerDuty", "bell-ring"),
    "apprise": ("Apprise, 100 others", "send"),
    "sms": ("SMS", "smartphone"),
    "voice": ("Phone call", "phone-outgoing"),
    "push": ("Push", "smartphone"),
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/destinations", opened(context, _list), methods=["GET"]),
        Route("/destinations/new", opened(context, _new, role=Role.ADMIN), methods=["GET", "POST"]),
        Route("/destinations/{id:uuid}", opened(context, _show), methods=["GET"]),
        Route(
            "/destinations/{id:uuid}/change",
            opened(context, _change, role=Role.ADMIN),
            methods=["POST"],
        ),
        Route(
            "/destinations/{id:uuid}/test",
            opened(context, _test, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


def kind_words(kind: str) -> str:
    return _KINDS.get(kind, (kind.capitalize(), "send"))[0]


def kind_icon(kind: str) -> str:
    return _KINDS.get(kind, ("", "send"))[1]


@dataclass(frozen=True, slots=True)
class DestinationLine:
    row: AlertDestination
    kind: str
    icon: str
    test: LastTest
    failing_since: datetime | None


async def _list(call: Call) -> Response:
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        found = await page_of_destinations(
            session, workspace_id, PageRequest(200), type=None, is_enabled=None
        )
        tests = await last_tests(session, workspace_id, [row.id for row in found.rows])
        failing = {
            each.id: each.since for each in await failing_destinations(session, workspace_id)
        }
    lines = [
        DestinationLine(
            row, kind_words(row.type), kind_icon(row.type), tests[row.id], failing.get(row.id)
        )
        for row in sorted(found.rows, key=lambda each: each.name.lower())
    ]
    return page(
        "destinations.html",
        call.frame("destinations"),
        lines=lines,
        may_change=call.may(Role.ADMIN),
        may_test=call.may(Role.RESPONDER),
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/destinations")
    if call.request.method == "GET":
        return _ask(call, call.request.query_params.get("type", ""), {}, {}, {})
    form = await call.form()
    kind = form.get("type", "")
    if kind not in CHANNELS:
        return _ask(call, "", {}, {}, {})
    config = read_config(kind, form)
    document = {"name": form.get("name", "").strip(), "type": kind, "config": config}
    entered = forms.read(AlertDestinationIn, document)
    if entered.body is None:
        return _ask(call, kind, form, config, entered.faults)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return _ask(call, kind, form, config, saved.faults)
    return await _shown(call, saved.made.row.id, saved.made.signing_secret)


async def _create(call: Call, body: AlertDestinationIn) -> NewDestination:
    context, caller = call.context, call.visitor.principal
    new = destinations.make(context.vault, _policy(context), caller, body, call.now)
    async with context.configuring() as session:
        await destinations.create(session, caller, new, call.now)
    return new


def _policy(context: ConsoleContext) -> AddressPolicy:
    return AddressPolicy.of(context.settings.outbound_allow)


def _ask(
    call: Call,
    kind: str,
    form: Mapping[str, str],
    config: Mapping[str, Any],
    faults: Mapping[str, str],
) -> Response:
    chosen = kind if kind in CHANNELS else ""
    return page(
        "destination_new.html",
        call.frame("destinations"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        kinds=[(each, kind_words(each), kind_icon(each)) for each in CHANNELS],
        chosen=chosen,
        words=kind_words(kind) if chosen else "",
        fields=fields_of(chosen, {"timezone": call.visitor.timezone, **config}) if chosen else [],
        name=form.get("name", ""),
        faults=faults,
    )


async def _show(call: Call) -> Response:
    return await _shown(call, call.request.path_params["id"], None)


async def _shown(
    call: Call,
    destination_id: UUID,
    signing_secret: str | None,
    *,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    """`name` and `config` as they were entered, where something is wrong with them."""
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, AlertDestination, workspace_id, destination_id)
        if row is None or row.user_id is not None:
            return absent(call, "destination", ("/destinations", "All destinations"))
        test = (await last_tests(session, workspace_id, [row.id]))[row.id]
        rules = await rules_naming_destination(session, workspace_id, row.id, 20)
        failing = {
            each.id: each.since for each in await failing_destinations(session, workspace_id)
        }
        step = await next_step(session, call)
    shown = shown_columns(row)
    return page(
        "destination.html",
        call.frame("destinations"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        row=row,
        kind=kind_words(row.type),
        icon_name=kind_icon(row.type),
        test=test,
        rules=rules,
        failing_since=failing.get(row.id),
        name=row.name if name is None else name,
        fields=fields_of(row.type, config or shown["config"]) if row.type in CHANNELS else [],
        signing_secret=signing_secret,
        next_step=step,
        faults=faults or {},
        may_change=call.may(Role.ADMIN),
        may_test=call.may(Role.RESPONDER),
    )


async def _change(call: Call) -> Response:
    destination_id: UUID = call.request.path_params["id"]
    here = f"/destinations/{destination_id}"
    form = await call.form()
    act = form.get("act")
    if act == "delete":
        deleted = await forms.save(_delete(call, destination_id))
        if deleted.made is None:
            return go(here, forms.first(deleted.faults))
        return go("/destinations", "Deleted.")
    document: dict[str, Any]
    config: dict[str, Any] = {}
    name = form.get("name")
    if act in ("enable", "disable"):
        document = {"is_enabled": act == "enable"}
    else:
        kind = form.get("type", "")
        config = read_config(kind, form) if kind in CHANNELS else {}
        document = {"name": (name or "").strip(), "config": config}
    entered = forms.read(AlertDestinationPatch, document)
    if entered.body is None:
        faults = entered.faults
        return await _shown(call, destination_id, None, name=name, config=config, faults=faults)
    saved = await forms.save(_update(call, destination_id, entered.body))
    if saved.made is None:
        faults = saved.faults
        return await _shown(call, destination_id, None, name=name, config=config, faults=faults)
    return go(here, "Saved.")


async def _update(
    call: Call, destination_id: UUID, body: AlertDestinationPatch
) -> AlertDestination:
    context = call.context
    async with context.configuring() as session:
        return await destinations.update(
            session,
            context.vault,
            _policy(context),
            call.visitor.principal,
            destination_id,
            body,
            call.now,
        )


async def _delete(call: Call, destination_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await destinations.delete(session, call.visitor.principal, destination_id, call.now)
    return True


async def _test(call: Call) -> Response:
    """A test message, sent as a real alert is."""
    destination_id: UUID = call.request.path_params["id"]
    here = f"/destinations/{destination_id}"
    async with call.context.writing() as session:
        outcome = await plan_trial(session, call.visitor.workspace_id, destination_id)
        if isinstance(outcome, TrialQueued):
            recording.record(
                session,
                call.visitor.principal,
                "tested",
                "alert_destination",
                destination_id,
                call.now,
                after={"alert_delivery_id": str(outcome.alert_delivery_id)},
            )
    if isinstance(outcome, DestinationDisabled):
        return go(here, "It is switched off.")
    if isinstance(outcome, TrialRateLimited):
        words = f"One test at a time; try again in {outcome.retry_after} s."
        return go(here, words)
    return go(here)
