"""The settings of an integration: how its sender proves itself, what counts as a repeat, its words, and
its secrets, which are never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.forms.choices import tenant_choices
from tocsin.console.forms.durations import fault_of_duration, read_duration
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.console.integrations.integration_form import (
    CONTENTS,
    NAMES,
    PARTS,
    SCHEMES,
    Values,
    document_of,
    read_fields,
    section_words,
    values_of,
)
from tocsin.console.integrations.integration_pages import show_integration
from tocsin.console.integrations.setup_guides import tool_name
from tocsin.ingest.sources.aws_sns_cloudwatch import AwsSnsCloudWatch
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import AuthScheme, Role, Severity, SignatureAlgorithm, SignatureFormat
from tocsin.resources import integration_tokens, integrations
from tocsin.resources.integration_shapes import IntegrationPatch, IntegrationWithSecret, Rotation
from tocsin.resources.integration_tokens import IntegrationTokenIn
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.integration_tokens import page_of_tokens
from tocsin.store.tables import Integration

_LONGEST_OVERLAP = 365 * 86_400
"""Seconds."""
_ROTATION = {"webhook_secret": "", "overlap": "1 d"}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route(
            "/integrations/{id:uuid}/settings",
            opened(context, _settings, role=Role.ADMIN),
            methods=["GET", "POST"],
        )
    ]


@dataclass(frozen=True, slots=True)
class SettingsShown:
    """What stands in the three forms of the page, and what is wrong with it, by field."""

    values: Values
    rotation: Mapping[str, str] = field(default_factory=lambda: dict(_ROTATION))
    label: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    """One that was just made, shown this once."""


async def _settings(call: Call) -> Response:
    integration_id: UUID = call.request.path_params["id"]
    here = f"/integrations/{integration_id}"
    if not call.may(Role.ADMIN):
        return go(here, "Only admins change it.")
    async with call.context.reading() as session:
        row = await workspace_rows.find(
            session, Integration, call.visitor.workspace_id, integration_id
        )
    if row is None:
        return absent(call, "integration", ("/integrations", "All integrations"))
    stored = values_of({name: getattr(row, name) for name in NAMES})
    if call.request.method == "GET":
        return await _shown(call, row, SettingsShown(stored))
    form = await call.form()
    match form.get("act"):
        case "rotate":
            return await _rotate(call, row, form, stored)
        case "make-token":
            return await _make_token(call, row, form, stored)
        case "revoke-token":
            revoked = await forms.save(_revoke_token(call, row.id, form.get("token_id", "")))
            return go(
                f"{here}/settings", "Revoked." if revoked.made else forms.first(revoked.faults)
            )
        case _:
            return await _save(call, row, form)


async def _save(call: Call, row: Integration, form: Mapping[str, str]) -> Response:
    values = read_fields(form)
    document, faults = document_of(values, takes_kinds=SOURCES[row.type].takes_kinds)
    if not document["tenant_id"]:
        del document["tenant_id"]
    entered = forms.read(IntegrationPatch, document, PARTS)
    found = {**entered.faults, **faults}
    if not found and entered.body is not None:
        saved = await forms.save(_update(call, row.id, entered.body), PARTS)
        if saved.made is not None:
            return go(f"/integrations/{row.id}/settings", "Saved, and in force at once.")
        found = dict(saved.faults)
    return await _shown(call, row, SettingsShown(values, faults=found))


async def _update(call: Call, integration_id: UUID, body: IntegrationPatch) -> Integration:
    context = call.context
    async with context.configuring() as session:
        return await integrations.update(
            session, context.vault, call.visitor.principal, integration_id, body, call.now
        )


async def _rotate(
    call: Call, row: Integration, form: Mapping[str, str], stored: Values
) -> Response:
    rotation = {name: form.get(name, "").strip() for name in _ROTATION}
    seconds = read_duration(rotation["overlap"] or "0")
    fault = fault_of_duration(seconds, 0, _LONGEST_OVERLAP)
    document: dict[str, Any] = {"overlap_minutes": 0 if seconds is None else seconds // 60}
    if rotation["webhook_secret"]:
        document["webhook_secret"] = rotation["webhook_secret"]
    entered = forms.read(Rotation, document)
    faults = {**entered.faults, **({"overlap": fault} if fault else {})}
    if entered.body is not None and not fault:
        saved = await forms.save(_rotated(call, row.id, entered.body))
        if saved.made is not None:
            return await show_integration(call, row.id, saved.made)
        faults = dict(saved.faults)
    # What was entered as the secret is not shown again either.
    again = {**rotation, "webhook_secret": ""}
    return await _shown(call, row, SettingsShown(stored, again, faults=faults))


async def _rotated(call: Call, integration_id: UUID, body: Rotation) -> IntegrationWithSecret:
    context = call.context
    async with context.configuring() as session:
        row, secret = await integrations.rotate_secret(
            session, context.vault, call.visitor.principal, integration_id, body, call.now
        )
    return integrations.show_with_secret(row, secret, context.settings)


async def _make_token(
    call: Call, row: Integration, form: Mapping[str, str], stored: Values
) -> Response:
    label = form.get("label", "").strip()
    document = {"label": label}
    if own := form.get("token", "").strip():
        document["token"] = own
    entered = forms.read(IntegrationTokenIn, document)
    faults = entered.faults
    if entered.body is not None:
        saved = await forms.save(_token_made(call, row.id, entered.body))
        if saved.made is not None:
            return await _shown(call, row, SettingsShown(stored, token=saved.made))
        faults = saved.faults
    return await _shown(call, row, SettingsShown(stored, label=label, faults=faults))


async def _token_made(call: Call, integration_id: UUID, body: IntegrationTokenIn) -> str:
    async with call.context.configuring() as session:
        made = await integration_tokens.create(
            session, call.visitor.principal, integration_id, body, call.now
        )
    return made.token


async def _revoke_token(call: Call, integration_id: UUID, token_id: str) -> bool:
    try:
        known = UUID(token_id)
    except ValueError:
        return False
    async with call.context.configuring() as session:
        await integration_tokens.revoke(
            session, call.visitor.principal, integration_id, known, call.now
        )
    return True


async def _shown(call: Call, row: Integration, shown: SettingsShown) -> Response:
    async with call.context.reading() as session:
        tenants = await tenant_choices(
            session, call.visitor.workspace_id, [shown.values["tenant_id"]]
        )
        secrets = await integrations.live_secrets(session, call.visitor.principal, row.id, call.now)
        tokens = await page_of_tokens(session, row.id, PageRequest(100))
    source = SOURCES[row.type]
    sns_too = AwsSnsCloudWatch.type == row.type
    return page(
        "integration_settings.html",
        call.frame("integrations"),
        HTTPStatus.UNPROCESSABLE_ENTITY if shown.faults else HTTPStatus.OK,
        row=row,
        tool=tool_name(row.type),
        values=shown.values,
        faults=shown.faults,
        words=section_words(shown.values),
        rotation=shown.rotation,
        label=shown.label,
        token=shown.token,
        tenants=tenants,
        secrets=secrets,
        tokens=tokens.rows,
        takes_tokens=row.auth_scheme != AuthScheme.HMAC,
        takes_kinds=source.takes_kinds,
        takes_mapping=source.takes_mapping,
        schemes=[
            (each.value, words) for each, words in SCHEMES if sns_too or each is not AuthScheme.SNS
        ],
        contents=[(each.value, words) for each, words in CONTENTS],
        algorithms=[each.value for each in SignatureAlgorithm],
        formats=[each.value for each in SignatureFormat],
        severities=[each.value for each in Severity],
    )
