"""The schema of record: every table, constraint and index, as SQLAlchemy typed tables.

Three rules shape it:

- What records the past (webhook deliveries, alerts, their events and deliveries) carries no foreign
  keys: a record outlives what it mentions, and a key check per row would cost the hot path a third
  of its speed (docs/adr/0002-group-commit.md). Such rows are only ever written in transactions that
  hold the configuration lock, so they never point at something that was not there.
- What must be unique is unique by constraint, never by a look before a write.
- Times are `timestamptz`; ids are UUIDv7, made by the program.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tocsin.model import AlertDeliveryStatus, AlertStatus, Severity


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it off the class
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        dict[str, str]: JSONB(),
        list[dict[str, Any]]: JSONB(),
    }


def _one_of(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


severity_type = Enum(Severity, name="alert_severity")
alert_status_type = Enum(AlertStatus, name="alert_status")
delivery_status_type = Enum(
    AlertDeliveryStatus,
    name="alert_delivery_status",
    values_callable=lambda kind: [member.value for member in kind],
)

NOW = text("now()")
NO_OBJECT = text("'{}'::jsonb")
LIVE = text("status IN ('OPEN', 'ACKNOWLEDGED')")
PENDING = text("status IN ('queued', 'deferred')")


class Workspace(Base):
    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    fallback_destination_id: Mapped[UUID | None]
    """Told when another destination keeps failing or a CRITICAL alert's message was given up."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Tenant(Base):
    __tablename__ = "tenants"
    __table_args__ = (UniqueConstraint("workspace_id", "slug"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    slug: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Integration(Base):
    __tablename__ = "integrations"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        Index("ix_integrations_type", "type"),
        Index("ix_integrations_is_active", "is_active"),
        CheckConstraint(
            _one_of("auth_scheme", "hmac", "token", "basic", "url", "sns"), "auth_scheme"
        ),
        CheckConstraint(
            _one_of("signature_algorithm", "sha256", "sha512", "sha1"), "signature_algorithm"
        ),
        CheckConstraint(_one_of("signature_format", "hex", "base64"), "signature_format"),
        CheckConstraint(
            _one_of(
                "signed_content", "body", "timestamp.body", "timestamp:body", "id.timestamp.body"
            ),
            "signed_content",
        ),
        CheckConstraint("deduplication_window_minutes >= 0", "deduplication_window_minutes"),
        CheckConstraint("timestamp_tolerance_seconds >= 0", "timestamp_tolerance_seconds"),
        CheckConstraint(
            "(previous_webhook_secret IS NULL) = (previous_secret_expires_at IS NULL)",
            "previous_secret",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    type: Mapped[str]
    webhook_secret: Mapped[bytes]
    previous_webhook_secret: Mapped[bytes | None]
    previous_secret_expires_at: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    auth_scheme: Mapped[str] = mapped_column(server_default=text("'hmac'"))
    signature_header: Mapped[str] = mapped_column(server_default=text("'X-Webhook-Signature'"))
    signature_algorithm: Mapped[str] = mapped_column(server_default=text("'sha256'"))
    signature_format: Mapped[str] = mapped_column(server_default=text("'hex'"))
    signature_prefix: Mapped[str | None]
    signed_content: Mapped[str] = mapped_column(server_default=text("'body'"))
    timestamp_header: Mapped[str | None]
    timestamp_tolerance_seconds: Mapped[int] = mapped_column(server_default=text("300"))
    deduplication_window_minutes: Mapped[int] = mapped_column(server_default=text("15"))
    default_severity: Mapped[Severity] = mapped_column(
        severity_type, server_default=text("'HIGH'::alert_severity")
    )
    timezone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    mapping: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Alert(Base):
    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_integration_id_triggered_at", "integration_id", "triggered_at"),
        Index("ix_alerts_status_triggered_at", "status", "triggered_at"),
        Index("ix_alerts_severity_triggered_at", "severity", "triggered_at"),
        Index("ix_alerts_external_id", "external_id"),
        Index(
            "uq_alerts_integration_id_external_id_live",
            "integration_id",
            "external_id",
            unique=True,
            postgresql_where=LIVE,
        ),
        Index("ix_alerts_workspace_id_id", "workspace_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    tenant_id: Mapped[UUID]
    integration_id: Mapped[UUID]
    title: Mapped[str]
    description: Mapped[str | None]
    severity: Mapped[Severity] = mapped_column(severity_type)
    status: Mapped[AlertStatus] = mapped_column(
        alert_status_type, server_default=text("'OPEN'::alert_status")
    )
    source: Mapped[str]
    external_id: Mapped[str | None]
    triggered_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=NO_OBJECT)
    labels: Mapped[dict[str, str]] = mapped_column(server_default=NO_OBJECT)
    occurrence_count: Mapped[int] = mapped_column(server_default=text("1"))
    last_received_at: Mapped[datetime]
    last_signal_at: Mapped[datetime]
    """Sender's time of the newest signal applied; an older one never moves the alert back."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class WebhookDelivery(Base):
    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(
            "ix_webhook_deliveries_integration_id_idempotency_key",
            "integration_id",
            "idempotency_key",
        ),
        Index(
            "ix_webhook_deliveries_integration_id_fingerprint_created_at",
            "integration_id",
            "content_fingerprint",
            "created_at",
        ),
        Index("ix_webhook_deliveries_integration_id_created_at", "integration_id", "created_at"),
        Index("ix_webhook_deliveries_alert_id", "alert_id"),
        Index(
            "ix_webhook_deliveries_rejected",
            "integration_id",
            "id",
            postgresql_where=text("outcome = 'rejected'"),
        ),
        CheckConstraint(
            _one_of(
                "outcome",
                "created",
                "updated",
                "acknowledged",
                "resolved",
                "duplicate",
                "ignored",
                "invalid",
                "rejected",
                "failed",
            ),
            "outcome",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    integration_id: Mapped[UUID]
    idempotency_key: Mapped[str | None]
    content_fingerprint: Mapped[str]
    raw_payload: Mapped[Any] = mapped_column(JSON())
    headers: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
    status_code: Mapped[int]
    outcome: Mapped[str]
    """The status answered; else `invalid` (verified, but not understood), `rejected` (not verified;
    these are capped per integration) or `failed` (our fault)."""
    error_message: Mapped[str | None]
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    processed_at: Mapped[datetime]
    alert_id: Mapped[UUID | None]
    duplicate_of_id: Mapped[UUID | None]
    replay_of_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class WebhookClaim(Base):
    """Who was first: one row per idempotency key or fingerprint inside the window. Its primary key
    is what makes two deliveries of one event impossible to both count as new."""

    __tablename__ = "webhook_claims"

    integration_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[UUID] = mapped_column(primary_key=True)
    """First 128 bits of the SHA-256 of the kind (`key` or `fingerprint`) and the value."""
    webhook_delivery_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Resolution(Base):
    """The newest resolve per (integration, external id), kept for the window: a trigger that fired
    before it is late, whether or not its alert was ever seen."""

    __tablename__ = "resolutions"

    integration_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime]
    """The newest resolve seen, by the sender's clock."""
    alert_id: Mapped[UUID | None]
    """The newest alert that a resolve ended, and when; a trigger up to then belongs to it."""
    alert_resolved_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AlertEvent(Base):
    __tablename__ = "alert_events"
    __table_args__ = (
        Index("ix_alert_events_alert_id_id", "alert_id", "id"),
        Index(
            "ix_alert_events_webhook_delivery_id",
            "webhook_delivery_id",
            postgresql_where=text("webhook_delivery_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID]
    kind: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[dict[str, str]]
    webhook_delivery_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)


class AlertDestination(Base):
    __tablename__ = "alert_destinations"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint(
            _one_of("type", "teams", "email", "slack", "webhook", "pagerduty", "apprise"), "type"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    type: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
    """What may be shown; secret parts are masked here."""
    secret_config: Mapped[bytes | None]
    """The secret parts, as encrypted JSON."""
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AlertRule(Base):
    __tablename__ = "alert_rules"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    min_severity: Mapped[Severity | None] = mapped_column(severity_type)
    tenant_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid()))
    matchers: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    destination_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    cooldown_seconds: Mapped[int | None]
    quiet_hours: Mapped[dict[str, Any] | None]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Silence(Base):
    __tablename__ = "silences"
    __table_args__ = (
        Index("ix_silences_workspace_id_ends_at", "workspace_id", "ends_at"),
        CheckConstraint("ends_at >= starts_at", "ends_after_start"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    matchers: Mapped[list[dict[str, Any]]]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    author: Mapped[str]
    comment: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Cooldown(Base):
    """When a rule last told a destination of one problem (integration and external id)."""

    __tablename__ = "cooldowns"

    problem: Mapped[UUID] = mapped_column(primary_key=True)
    """First 128 bits of the SHA-256 of integration and external id."""
    alert_rule_id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_destination_id: Mapped[UUID] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AlertDelivery(Base):
    __tablename__ = "alert_deliveries"
    __table_args__ = (
        CheckConstraint(
            "(event_type = 'alerts.test') = (tenant_id IS NULL)"
            " AND (event_type = 'alerts.test') = (alert_rule_id IS NULL)",
            "tenant_and_rule_unless_test",
        ),
        CheckConstraint("(event_type = 'alerts.test') = (alert_id IS NULL)", "alert_unless_test"),
        CheckConstraint(
            "event_type <> 'alerts.test' OR status NOT IN ('suppressed', 'canceled')",
            "tests_are_never_withheld",
        ),
        Index(
            "ix_alert_deliveries_last_test",
            "workspace_id",
            "alert_destination_id",
            "event_type",
            "created_at",
        ),
        Index(
            "ix_alert_deliveries_due",
            "alert_destination_id",
            text("send_after NULLS FIRST"),
            "sequence",
            postgresql_where=PENDING,
        ),
        Index(
            "ix_alert_deliveries_lane",
            "alert_destination_id",
            "alert_id",
            "sequence",
            postgresql_where=PENDING,
        ),
        # A person waits for a test: it is found at once, whatever the queue before it.
        Index(
            "ix_alert_deliveries_tests",
            "alert_destination_id",
            "sequence",
            postgresql_where=text(
                "event_type = 'alerts.test' AND status IN ('queued', 'deferred')"
            ),
        ),
        Index(
            "uq_alert_deliveries_fallback",
            "alert_id",
            "alert_destination_id",
            "event_type",
            unique=True,
            postgresql_where=text("reason = 'fallback'"),
        ),
        Index("ix_alert_deliveries_alert_id", "alert_id"),
        Index("ix_alert_deliveries_workspace_id_id", "workspace_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger(), Identity(always=False))
    """Rises per alert: it is drawn while the alert's lock is held. Order of sending."""
    workspace_id: Mapped[UUID]
    tenant_id: Mapped[UUID | None]
    alert_rule_id: Mapped[UUID | None]
    alert_destination_id: Mapped[UUID]
    alert_id: Mapped[UUID | None]
    event_type: Mapped[str]
    status: Mapped[AlertDeliveryStatus] = mapped_column(delivery_status_type)
    send_after: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    attempt_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_error_code: Mapped[str | None]
    last_error_message: Mapped[str | None]
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
    reason: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
    """What decided: the matcher, silence or quiet hours; every rule that named the destination."""
    give_up_at: Mapped[datetime | None]
    """Set at the first claim, a day after it was due (a test: a minute): no attempt after this."""
    progress: Mapped[dict[str, Any] | None]
    """What the channel must remember between attempts (recipients that have it already)."""
    leased_by: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AlertDeliveryAttempt(Base):
    __tablename__ = "alert_delivery_attempts"

    alert_delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer(), primary_key=True)
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    outcome: Mapped[str]
    http_status: Mapped[int | None] = mapped_column(SmallInteger())
    error_code: Mapped[str | None]
    message: Mapped[str | None]


class DestinationState(Base):
    """How a destination is doing, shared by every dispatcher: held by Retry-After, failing since
    when, when to probe next."""

    __tablename__ = "destination_states"

    alert_destination_id: Mapped[UUID] = mapped_column(
        ForeignKey("alert_destinations.id", ondelete="CASCADE"), primary_key=True
    )
    hold_until: Mapped[datetime | None]
    """Nothing is sent before; then one message is, as a probe. Null while all is well."""
    hold_reason: Mapped[str | None]
    """`failing`, or `throttled` where the service asked for it: then tests wait as well."""
    failing_since: Mapped[datetime | None]
    failure_count: Mapped[int] = mapped_column(server_default=text("0"))
    """Failures in a row; one success ends them."""
    last_success_at: Mapped[datetime | None]
    fallback_told_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RateBucket(Base):
    """What is left to send of one rate limit, over all nodes. Destinations may share one."""

    __tablename__ = "rate_buckets"

    key: Mapped[UUID] = mapped_column(primary_key=True)
    """First 128 bits of the SHA-256 of the channel's bucket name."""
    tokens: Mapped[float]
    """Messages that may go now; refilled by the time since `refilled_at`."""
    refilled_at: Mapped[datetime]
    spent_at: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'")
    )
    """When the last hour's messages went, where the limit is per hour: exact, not a mean."""


class LinkCode(Base):
    """Wrong codes typed at one link of a message; a link with too many is dead."""

    __tablename__ = "link_codes"

    token_digest: Mapped[UUID] = mapped_column(primary_key=True)
    """What the links of one message to one reader have in common, as a keyed digest."""
    wrong_count: Mapped[int] = mapped_column(server_default=text("0"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


ROLE_CHECK = _one_of("role", "viewer", "responder", "admin")


class Membership(Base):
    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint(ROLE_CHECK, "role"),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Session(Base):
    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class ApiKey(Base):
    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(ROLE_CHECK, "role"),
        Index("ix_api_keys_workspace_id", "workspace_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the whole key; the key has 256 random bits, so a slow hash would add nothing."""
    role: Mapped[str]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AuditEvent(Base):
    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_workspace_id_id", "workspace_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    actor: Mapped[dict[str, str]]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[UUID | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]


class Configuration(Base):
    """One row. Its version rises with every change of what ingest and delivery go by, inside the
    transaction of the change (trigger in the migrations), so that no node decides by old rules."""

    __tablename__ = "configuration"
    __table_args__ = (CheckConstraint("id", "one_row"),)

    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    version: Mapped[int] = mapped_column(BigInteger(), server_default=text("1"))
