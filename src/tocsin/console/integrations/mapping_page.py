"""The editor of a mapping, with what it makes of the newest real payloads before it is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.forms.pair_lines import read_pairs, write_pairs
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.ingest.mapping_trial import Tried, suggest_for, try_stored, with_mapping
from tocsin.ingest.sources.kit.mapping import validate_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.suggestion.suggest import Suggestion
from tocsin.model import Role
from tocsin.resources import integrations
from tocsin.resources.integration_shapes import IntegrationPatch, MappingIn
from tocsin.store import workspace_rows
from tocsin.store.stored_webhooks import WebhookOnRecord, webhooks_on_record
from tocsin.store.tables import Integration

SAMPLES = 10
_FIELDS = (
    ("alerts", "Each alert is an element of", "Empty: a payload is one alert."),
    ("title", "Title", ""),
    ("severity", "Severity", ""),
    ("kind", "State", "Finds the word: firing, resolved, …"),
    ("external_id", "The tool’s own id", "What begins and ends with the same id is one alert."),
    ("description", "Description", ""),
    ("triggered_at", "Began at", ""),
    ("occurred_at", "Happened at", "When this very event did, if it says so besides."),
    ("tenant", "Tenant", "Finds the slug of one."),
    ("metadata", "More to keep", "Finds an object; empty: all that nothing else asks for."),
    ("ignore", "Ignore if", "What it finds true is no alert."),
)
_TABLES = ("labels", "severities", "kinds")
NAMES = (*(name for name, _, _ in _FIELDS), *_TABLES)
"""All that a mapping may say: what the form left out would be lost when it is saved."""


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route(
            "/integrations/{id:uuid}/mapping",
            opened(context, _edit, role=Role.ADMIN),
            methods=["GET", "POST"],
        )
    ]


@dataclass(frozen=True, slots=True)
class MappingForm:
    """What was entered, and what is wrong with it by field."""

    values: Mapping[str, str]
    faults: Mapping[str, str]


async def _edit(call: Call) -> Response:
    integration_id: UUID = call.request.path_params["id"]
    async with call.context.reading() as session:
        row = await workspace_rows.find(
            session, Integration, call.visitor.workspace_id, integration_id
        )
        if row is None:
            return absent(call, "integration", ("/integrations", "All integrations"))
        stored = await webhooks_on_record(await session.connection(), integration_id, (), SAMPLES)
    if not SOURCES[row.type].takes_mapping:
        return go(f"/integrations/{row.id}", "This tool's fields are known; it takes no mapping.")
    if call.request.method == "GET":
        form = MappingForm(written(row.mapping or {}), {})
        return await _shown(call, row, form, stored, row.mapping, None)
    given = await call.form()
    values = {name: given.get(name, "").strip()[:20_000] for name in NAMES}
    act = given.get("act")
    if act == "suggest":
        proposal, _ = await suggest_for((), stored)
        form = MappingForm(written(proposal.mapping), {})
        return await _shown(call, row, form, stored, proposal.mapping, proposal)
    if act == "remove":
        return await _save(call, row, MappingForm(values, {}), stored, None)
    document, faults = read(values)
    entered = forms.read(MappingIn, document)
    faults = {**entered.faults, **faults}
    if not faults:
        faults = forms.by_field(validate_mapping(document))
    form = MappingForm(values, faults)
    if faults:
        return await _shown(call, row, form, stored, row.mapping, None)
    if act != "save":
        return await _shown(call, row, form, stored, document, None)
    return await _save(call, row, form, stored, document)


async def _save(
    call: Call,
    row: Integration,
    form: MappingForm,
    stored: Sequence[WebhookOnRecord],
    document: dict[str, Any] | None,
) -> Response:
    entered = forms.read(IntegrationPatch, {"mapping": document})
    faults = entered.faults
    if entered.body is not None:
        saved = await forms.save(_update(call, row.id, entered.body))
        if saved.made is not None:
            words = "The mapping is in force." if document else "It is read by its own names again."
            return go(f"/integrations/{row.id}/mapping", words)
        faults = saved.faults
    form = MappingForm(form.values, faults)
    return await _shown(call, row, form, stored, row.mapping, None)


async def _update(call: Call, integration_id: UUID, body: IntegrationPatch) -> Integration:
    context = call.context
    async with context.configuring() as session:
        return await integrations.update(
            session, context.vault, call.visitor.principal, integration_id, body, call.now
        )


def read(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """As the API has it, and what cannot be read, by field. Empty fields are left out."""
    document: dict[str, Any] = {name: values[name] for name, _, _ in _FIELDS if values[name]}
    faults: dict[str, str] = {}
    for name in _TABLES:
        lines = forms.lines(values[name])
        if name == "labels" and len(lines) == 1 and "=" not in lines[0]:
            # One expression that finds all of them.
            document["labels"] = lines[0]
            continue
        found, fault = read_pairs(values[name])
        if fault:
            faults[name] = fault
        if name == "severities":
            found = {word: severity.upper() for word, severity in found.items()}
        if found:
            document[name] = found
    return document, faults


def written(mapping: Mapping[str, Any]) -> dict[str, str]:
    """As a person edits it."""
    values = {name: str(mapping.get(name) or "") for name, _, _ in _FIELDS}
    for name in _TABLES:
        found = mapping.get(name) or {}
        values[name] = found if isinstance(found, str) else write_pairs(found)
    return values


async def _shown(
    call: Call,
    row: Integration,
    form: MappingForm,
    stored: Sequence[WebhookOnRecord],
    mapping: dict[str, Any] | None,
    proposal: Suggestion | None,
) -> Response:
    """The form, and what `mapping` makes of what is on record."""
    tried: list[Tried] = []
    sender = await call.context.senders.find(row.id)
    if sender is not None:
        trial = with_mapping(sender, mapping)
        tried = [await try_stored(trial, each) for each in stored]
    times = {each.id: each.created_at for each in stored}
    return page(
        "mapping.html",
        call.frame("integrations"),
        HTTPStatus.UNPROCESSABLE_ENTITY if form.faults else HTTPStatus.OK,
        row=row,
        values=form.values,
        faults=form.faults,
        fields=_FIELDS,
        tried=[(times[each.delivery_id], each) for each in tried if each.delivery_id],
        proposal=proposal,
        is_in_force=mapping == row.mapping,
        may_change=call.may(Role.ADMIN),
    )
