"""Integrations as they are asked for and shown."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import (
    AuthScheme,
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
from tocsin.routing.flapping import FlappingNumbers

SourceType = StrEnum("SourceType", {name: name for name in SOURCES})  # type: ignore[misc]
SourceType.__doc__ = "The kind of tool that sends."

WebhookSecret = Annotated[
    str,
    StringConstraints(strict=True, min_length=8, max_length=500, pattern=r"^[\x21-\x7e]+$"),
    Field(description="Left out: one is made. Printable ASCII without spaces, 8 to 500 long"),
]

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
AutoResolve = Annotated[
    int,
    Field(
        strict=True,
        ge=5,
        le=_YEAR,
        description="An alert that is not repeated for so long is resolved; null: never",
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
KindWord = Literal["trigger", "acknowledge", "unacknowledge", "resolve", "update", "ignore"]
Kinds = Annotated[
    dict[Text, KindWord],
    Field(
        max_length=1_000,
        description="Words of state of the sender's own and what they mean, for the sources that take"
        " some; they come before the built-in ones. Case, blanks, hyphens, underscores and dots in a"
        " word do not matter",
    ),
]


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
    ignore: Annotated[
        Expression | None, Field(description="What it finds true is no alert, and is ignored")
    ] = None
    alerts: Expression | None = None
    severities: Annotated[
        dict[Text, Severity] | None, Field(description="What the sender's words mean")
    ] = None
    kinds: dict[Text, KindWord] | None = None


_Minutes = Annotated[float, Field(strict=True, ge=1, le=_DAY)]
_Penalty = Annotated[float, Field(strict=True, ge=0.5, le=20)]
_DEFAULTS = FlappingNumbers()


class FlappingIn(Input):
    """By what an alert that keeps coming and going is known: each change between live and over adds 1 to
    its penalty, a new severity ½, and time halves it."""

    half_life_minutes: _Minutes = _DEFAULTS.half_life_minutes
    start: Annotated[_Penalty, Field(description="From this penalty on it flaps")] = _DEFAULTS.start
    stop: Annotated[
        _Penalty, Field(description="It has settled below this, and after quiet_minutes at least")
    ] = _DEFAULTS.stop
    quiet_minutes: _Minutes = _DEFAULTS.quiet_minutes
    longest_minutes: Annotated[
        _Minutes, Field(description="After so long it is notified again, if it goes on")
    ] = _DEFAULTS.longest_minutes
    digest_minutes: Annotated[
        _Minutes, Field(description="How often it is said how it goes on")
    ] = _DEFAULTS.digest_minutes

    @model_validator(mode="after")
    def _stops_below_its_start(self) -> FlappingIn:
        if self.stop >= self.start:
            raise ValueError("stop must be below start")
        return self


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
    webhook_url: Annotated[str, Field(description="Where its sender posts to")]
    mail_address: Annotated[
        str | None,
        Field(description="Where its sender mails to, if it does and mail is taken here"),
    ]
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
    kinds: dict[str, str] | None
    auto_resolve_minutes: int | None
    flapping: JsonObject | None
    created_at: Time
    updated_at: Time


class PreviousSecretOut(Output):
    expires_at: Time
    used_at: Annotated[Time | None, Field(description="To half a minute; null: not since")]


class LiveSecretsOut(Output):
    """What is known of secrets while a rotation lasts; never the secrets."""

    current_used_at: Annotated[
        Time | None, Field(description="To half a minute; noted while there are two")
    ]
    previous: Annotated[PreviousSecretOut | None, Field(description="null: there is but one")]


class IntegrationWithSecret(IntegrationOut):
    webhook_secret: Annotated[str, Field(description="It is never shown again")]


class _Profile(Input):
    is_active: Flag = left_out()
    auth_scheme: AuthScheme = left_out()
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
    kinds: Kinds | None = None
    auto_resolve_minutes: AutoResolve | None = None
    flapping: FlappingIn | None = left_out()

    def columns(self) -> dict[str, Any]:
        """What the request named, as the table keeps it."""
        values = self.given()
        if self.mapping is not None:
            values["mapping"] = self.mapping.model_dump(mode="json", exclude_unset=True)
        if self.flapping is not None:
            values["flapping"] = self.flapping.model_dump(mode="json")
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
