"""Integrations as the API takes and shows them, and what makes one that can work."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import Field, StringConstraints

from tocsin.ingest.proof.scheme import Profile
from tocsin.ingest.sources.kit.mapping import validate_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import (
    REDACTED,
    AuthScheme,
    Fault,
    Secret,
    Severity,
    SignatureAlgorithm,
    SignatureFormat,
    SignedContent,
)
from tocsin.resources.fields import (
    Flag,
    HeaderName,
    Id,
    Input,
    JsonObject,
    Line,
    Name,
    Output,
    Text,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
)
from tocsin.store.tables import Integration

SourceType = StrEnum("SourceType", {name: name for name in SOURCES})  # type: ignore[misc]
SourceType.__doc__ = "The kind of tool that sends."

WebhookSecret = Annotated[
    str,
    StringConstraints(strict=True, min_length=8, max_length=500, pattern=r"^[\x21-\x7e]+$"),
    Field(description="Left out: one is made. Printable ASCII without spaces, 8 to 500 long"),
]

# The schemes that can be had; Amazon SNS's own is not one of them yet.
Scheme = Literal[AuthScheme.HMAC, AuthScheme.TOKEN, AuthScheme.BASIC, AuthScheme.URL]

_DAY = 24 * 60
_YEAR = 365 * _DAY

Window = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=30 * _DAY,
        description="How long a repeated delivery counts as a duplicate; 0: never",
    ),
    Whole,
]
Tolerance = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=7 * 24 * 3600,
        description="How far a signed timestamp may be from this server's clock",
    ),
    Whole,
]
_EXPRESSION_LIMIT = 4_000
Expression = Annotated[
    str,
    StringConstraints(
        strict=True, min_length=1, max_length=_EXPRESSION_LIMIT, pattern=r"^[^\x00]+$"
    ),
]
KindWord = Literal["trigger", "acknowledge", "resolve", "ignore"]


class MappingIn(Input):
    """JMESPath per normalised field, for the sources that take a mapping. With `alerts`, the other
    expressions look at one of the elements it finds each, and at the whole payload as `_root`."""

    title: Expression | None = None
    description: Expression | None = None
    severity: Expression | None = None
    kind: Annotated[
        Expression | None, Field(description="Finds the status word: firing, resolved, …")
    ] = None
    external_id: Expression | None = None
    triggered_at: Expression | None = None
    occurred_at: Expression | None = None
    tenant: Annotated[Expression | None, Field(description="Finds the slug of a tenant")] = None
    labels: Expression | dict[Text, Expression] | None = None
    metadata: Expression | None = None
    alerts: Expression | None = None
    severities: Annotated[
        dict[Text, Severity] | None, Field(description="What the sender's words mean")
    ] = None
    kinds: dict[Text, KindWord] | None = None


PROFILE_COLUMNS = (
    "auth_scheme",
    "signature_header",
    "signature_algorithm",
    "signature_format",
    "signature_prefix",
    "signed_content",
    "timestamp_header",
    "timestamp_tolerance_seconds",
)
"""What a source presets and a user may override."""


class IntegrationOut(Output):
    id: Id
    workspace_id: Id
    tenant_id: Id
    name: str
    type: str
    webhook_url: Annotated[str, Field(description="Where to send to, below this server's address")]
    previous_secret_expires_at: Annotated[
        Time | None, Field(description="Until when the secret before the current one is accepted")
    ]
    is_active: bool
    auth_scheme: AuthScheme
    signature_header: str
    signature_algorithm: SignatureAlgorithm
    signature_format: SignatureFormat
    signature_prefix: str | None
    signed_content: SignedContent
    timestamp_header: str | None
    timestamp_tolerance_seconds: int
    deduplication_window_minutes: int
    default_severity: Severity
    timezone: str
    mapping: JsonObject | None
    created_at: Time
    updated_at: Time


class IntegrationWithSecret(IntegrationOut):
    webhook_secret: Annotated[str, Field(description="It is never shown again")]


class _Profile(Input):
    is_active: Flag = left_out()
    auth_scheme: Scheme = left_out()
    signature_header: HeaderName = left_out()
    signature_algorithm: SignatureAlgorithm = left_out()
    signature_format: SignatureFormat = left_out()
    signature_prefix: Line | None = None
    signed_content: SignedContent = left_out()
    timestamp_header: HeaderName | None = None
    timestamp_tolerance_seconds: Tolerance = left_out()
    deduplication_window_minutes: Window = left_out()
    default_severity: Severity = left_out()
    timezone: Timezone = left_out()
    mapping: MappingIn | None = None

    def columns(self) -> dict[str, Any]:
        """What the request named, as the table keeps it."""
        values = self.given()
        if self.mapping is not None:
            values["mapping"] = self.mapping.model_dump(mode="json", exclude_unset=True)
        return values


class IntegrationIn(_Profile):
    name: Name
    type: SourceType
    tenant_id: Annotated[Id, Field(description="Left out: the tenant `default`")] = left_out()
    webhook_secret: WebhookSecret = left_out()

    model_config = example(
        {
            "name": "shop-production",
            "type": "generic",
            "mapping": {"title": "event.name", "severity": "event.level"},
        }
    )


class IntegrationPatch(_Profile):
    name: Name = left_out()
    tenant_id: Id = left_out()

    model_config = example({"is_active": False, "default_severity": "MEDIUM"})


class Rotation(Input):
    webhook_secret: WebhookSecret = left_out()
    overlap_minutes: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=_YEAR,
            description="How long the secret before is accepted, too; 0: not at all",
        ),
        Whole,
    ] = _DAY

    model_config = example({"overlap_minutes": 60})


def preset_columns(source_type: str) -> dict[str, Any]:
    """What a new integration of this source starts with, as columns."""
    preset = SOURCES[source_type].preset
    return {name: getattr(preset, name) for name in PROFILE_COLUMNS}


def webhook_path(integration_id: UUID, auth_scheme: str, secret: Secret | None) -> str:
    """Where its sender posts to. For scheme `url` the secret is part of it, and is shown only
    when it is given."""
    path = f"/webhooks/{integration_id}"
    if auth_scheme != AuthScheme.URL:
        return path
    return f"{path}/{REDACTED if secret is None else quote(secret.reveal_text(), safe='')}"


def _columns(row: Integration) -> dict[str, Any]:
    return {
        name: getattr(row, name) for name in IntegrationOut.model_fields if name != "webhook_url"
    }


def show(row: Integration) -> IntegrationOut:
    return IntegrationOut(**_columns(row), webhook_url=webhook_path(row.id, row.auth_scheme, None))


def show_with_secret(row: Integration, secret: Secret) -> IntegrationWithSecret:
    return IntegrationWithSecret(
        **_columns(row),
        webhook_url=webhook_path(row.id, row.auth_scheme, secret),
        webhook_secret=secret.reveal_text(),
    )


def faults_of(row: Integration, secret: Secret) -> list[Fault]:
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
    return faults


def _field_of(message: str) -> str:
    """The field that a fault of the whole profile is shown at: the one it tells to be set."""
    for name in ("timestamp_header", "id_header", "signature_header"):
        if f"needs a {name}" in message or f"needs an {name}" in message:
            return "/signed_content" if name == "id_header" else f"/{name}"
    return "/auth_scheme"
