"""Integrations: the configured senders. What makes one that can work, and how they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.access.vault import Vault
from tocsin.ingest.proof.scheme import Profile
from tocsin.ingest.sources.aws_sns_cloudwatch import AwsSnsCloudWatch
from tocsin.ingest.sources.base import BaseSource
from tocsin.ingest.sources.email import Email
from tocsin.ingest.sources.kit.mapping import validate_mapping
from tocsin.ingest.sources.kit.mapping_check import check_kinds
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import REDACTED, AuthScheme, Fault, Secret, Severity, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest, MissingReference, StillNeeded
from tocsin.resources.integration_shapes import (
    PROFILE_COLUMNS,
    IntegrationIn,
    IntegrationOut,
    IntegrationPatch,
    IntegrationWithSecret,
    LiveSecretsOut,
    PreviousSecretOut,
    Rotation,
)
from tocsin.resources.owned import owned, require
from tocsin.store import configuration_lock
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.heartbeats import heartbeats_of_integration
from tocsin.store.queries.integration_history import delete_history
from tocsin.store.queries.integration_tokens import delete_tokens
from tocsin.store.queries.secret_uses import forget_secret_uses, secret_uses_of
from tocsin.store.queries.tenants import find_default_tenant
from tocsin.store.tables import Integration, Tenant

_MOST_NAMED = 5


class PublicAddresses(Protocol):
    """How senders reach this installation."""

    @property
    def base_url(self) -> str: ...

    @property
    def mail_domain(self) -> str | None: ...


class _Nowhere(NamedTuple):
    base_url: str = ""
    mail_domain: str | None = None


def _preset_columns(source_type: str) -> dict[str, Any]:
    """What a new integration of this source starts with, as columns."""
    preset = SOURCES[source_type].preset
    return {name: getattr(preset, name) for name in PROFILE_COLUMNS}


def _webhook_url(base_url: str, row: Integration, secret: Secret | None) -> str:
    """Where its sender posts to. For the schemes `url` and `sns` the secret is part of it, and is
    shown only when it is given."""
    source = SOURCES.get(row.type)
    path = BaseSource.address if source is None else source.address
    url = base_url + path.format(id=row.id)
    if not AuthScheme(row.auth_scheme).is_in_address:
        return url
    return f"{url}/{REDACTED if secret is None else quote(secret.reveal_text(), safe='')}"


def _mail_address(domain: str | None, row: Integration, secret: Secret | None) -> str | None:
    if row.type != Email.type or domain is None:
        return None
    return f"{REDACTED if secret is None else secret.reveal_text()}@{domain}"


def _columns(row: Integration, reach: PublicAddresses, secret: Secret | None) -> dict[str, Any]:
    made = {
        "webhook_url": _webhook_url(reach.base_url, row, secret),
        "mail_address": _mail_address(reach.mail_domain, row, secret),
    }
    names = IntegrationOut.model_fields.keys() - made.keys()
    return {**{name: getattr(row, name) for name in names}, **made}


def show(row: Integration, reach: PublicAddresses) -> IntegrationOut:
    return IntegrationOut(**_columns(row, reach, None))


def show_with_secret(
    row: Integration, secret: Secret, reach: PublicAddresses
) -> IntegrationWithSecret:
    return IntegrationWithSecret(
        **_columns(row, reach, secret), webhook_secret=secret.reveal_text()
    )


def _faults_of(row: Integration, secret: Secret) -> list[Fault]:
    """What keeps this integration from working, field by field. No fault quotes the secret."""
    source = SOURCES[row.type]
    faults = []
    if row.mapping is not None:
        if not source.takes_mapping:
            message = f"the source {row.type} knows its own fields and takes no mapping"
            faults.append(Fault("/mapping", "not-taken", message))
        else:
            faults += [
                Fault("/mapping" + fault.pointer, fault.code, fault.message)
                for fault in validate_mapping(row.mapping)
            ]
    if row.kinds is not None:
        if not source.takes_kinds:
            message = f"the words of the source {row.type} are fixed, and it takes no others"
            faults.append(Fault("/kinds", "not-taken", message))
        else:
            faults += check_kinds("/kinds", row.kinds)
    if row.auth_scheme == AuthScheme.SNS and row.type != AwsSnsCloudWatch.type:
        message = f"only the source {AwsSnsCloudWatch.type} is signed by Amazon SNS"
        faults.append(Fault("/auth_scheme", "not-taken", message))
    try:
        profile = Profile(
            **{name: getattr(row, name) for name in PROFILE_COLUMNS},
            id_header=source.preset.id_header,
            secret_encoding=source.preset.secret_encoding,
        )
    except ValueError as error:
        return [*faults, Fault(_field_of(str(error)), "unusable-profile", str(error))]
    try:
        if row.auth_scheme == AuthScheme.HMAC:
            profile.key_bytes(secret)
    except ValueError as error:
        faults.append(Fault("/webhook_secret", "unusable-secret", str(error)))
    if fault := unusable_secret(row, secret):
        faults.append(Fault("/webhook_secret", "unusable-secret", fault))
    return faults


def unusable_secret(row: Integration, secret: Secret) -> str | None:
    """Why its sender could not have this secret; None if it could. Nothing of it is quoted."""
    return SOURCES[row.type].preset.refuses(secret)


def _field_of(message: str) -> str:
    """The field that a fault of the whole profile is shown at: the one that is to be set."""
    for name in ("timestamp_header", "id_header", "signature_header"):
        if f"needs a {name}" in message or f"needs an {name}" in message:
            return "/signed_content" if name == "id_header" else f"/{name}"
    return "/auth_scheme"


def _check(row: Integration, secret: Secret) -> None:
    if faults := _faults_of(row, secret):
        raise InvalidRequest(faults)


def _new_secret(given: str | None, source_type: str) -> Secret:
    return Secret(given or SOURCES[source_type].preset.make_secret())


def _document(row: Integration) -> Mapping[str, Any]:
    # Of the integration, not of where this server happens to be reached.
    return show(row, _Nowhere()).document()


_KIND = recording.Kind("integration", _document)


def make(
    vault: Vault, caller: Principal, body: IntegrationIn, now: datetime
) -> tuple[Integration, Secret]:
    """An integration as it is asked for, yet to be stored, and its secret. Its source presets how
    it signs; any of that may be overridden.

    Raises:
        InvalidRequest: it could not work.
    """
    secret = _new_secret(body.webhook_secret, body.type)
    row = Integration(
        **{
            "id": uuid7(),
            "workspace_id": caller.workspace_id,
            "is_active": True,
            "deduplication_window_minutes": SOURCES[body.type].window_minutes,
            "default_severity": Severity.HIGH,
            "timezone": "UTC",
            "mapping": None,
            "kinds": None,
            **_preset_columns(body.type),
            **body.columns(),
            "type": body.type.value,
            "webhook_secret": vault.seal(secret),
            "previous_webhook_secret": None,
            "previous_secret_expires_at": None,
            "created_at": now,
            "updated_at": now,
        }
    )
    _check(row, secret)
    return row, secret


async def create(
    session: DatabaseSession,
    caller: Principal,
    row: Integration,
    tenant_id: UUID | None,
    now: datetime,
) -> None:
    """Stores an integration that `make` made; without a tenant it is of the tenant `default`.

    Raises:
        MissingReference: its tenant is not there.
        NameTaken: another integration has its name.
    """
    if tenant_id is None:
        tenant = await find_default_tenant(session, caller.workspace_id)
        if tenant is None:
            raise MissingReference("tenant", "/tenant_id")
        row.tenant_id = tenant.id
    else:
        await require(session, Tenant, caller, tenant_id, "/tenant_id")
    await recording.create(session, caller, _KIND, row, now)


async def update(
    session: DatabaseSession,
    vault: Vault,
    caller: Principal,
    integration_id: UUID,
    body: IntegrationPatch,
    now: datetime,
) -> Integration:
    row = await owned(session, Integration, caller, integration_id)
    if "tenant_id" in body.model_fields_set:
        await require(session, Tenant, caller, body.tenant_id, "/tenant_id")
    async with recording.changing(session, caller, _KIND, row, now):
        recording.assign(row, body.columns())
        _check(row, vault.open(row.webhook_secret))
    return row


async def rotate_secret(
    session: DatabaseSession,
    vault: Vault,
    caller: Principal,
    integration_id: UUID,
    rotation: Rotation,
    now: datetime,
) -> tuple[Integration, Secret]:
    """Gives it a new secret; the one before is accepted for a while more."""
    row = await owned(session, Integration, caller, integration_id)
    secret = _new_secret(rotation.webhook_secret, row.type)
    _check(row, secret)
    async with recording.changing(session, caller, _KIND, row, now, action="rotated-secret"):
        if rotation.overlap_minutes:
            row.previous_webhook_secret = row.webhook_secret
            row.previous_secret_expires_at = now + timedelta(minutes=rotation.overlap_minutes)
        else:
            row.previous_webhook_secret = row.previous_secret_expires_at = None
        row.webhook_secret = vault.seal(secret)
    await forget_secret_uses(session, integration_id)
    return row, secret


async def live_secrets(
    session: DatabaseSession, caller: Principal, integration_id: UUID, now: datetime
) -> LiveSecretsOut:
    """Which secrets are accepted now, and when each was last used since there are two."""
    row = await owned(session, Integration, caller, integration_id)
    until = row.previous_secret_expires_at
    if until is None or until <= now:
        return LiveSecretsOut(current_used_at=None, previous=None)
    uses = await secret_uses_of(session, integration_id)
    previous = PreviousSecretOut(
        expires_at=until, used_at=None if uses is None else uses.previous_used_at
    )
    current_used_at = None if uses is None else uses.current_used_at
    return LiveSecretsOut(current_used_at=current_used_at, previous=previous)


async def delete(
    session: DatabaseSession, caller: Principal, integration_id: UUID, now: datetime
) -> None:
    """Deletes it; what came through it stays on record.

    Raises:
        StillNeeded: heartbeats open their alerts by it, or its signals are their pings.
    """
    row = await owned(session, Integration, caller, integration_id)
    await delete_tokens(session, integration_id)
    await _no_heartbeats(session, integration_id)
    await recording.delete(session, caller, _KIND, row, now)


async def switch_off(
    session: DatabaseSession, caller: Principal, integration_id: UUID, now: datetime
) -> None:
    row = await owned(session, Integration, caller, integration_id)
    await _no_heartbeats(session, integration_id)
    async with recording.changing(session, caller, _KIND, row, now):
        row.is_active = False


async def _no_heartbeats(session: DatabaseSession, integration_id: UUID) -> None:
    if names := await heartbeats_of_integration(session, integration_id, _MOST_NAMED):
        raise StillNeeded(f"Heartbeats need it: {', '.join(names)}.")


async def purge(
    session: DatabaseSession, caller: Principal, integration_id: UUID, now: datetime
) -> None:
    """Deletes it and all that came through it, in a transaction that does not hold the
    configuration yet: it is locked only for the moment at the end."""
    await delete_history(session, integration_id)
    await configuration_lock.hold(session)
    await delete_history(session, integration_id)
    row = await owned(session, Integration, caller, integration_id)
    await delete_tokens(session, integration_id)
    await recording.delete(session, caller, _KIND, row, now)
