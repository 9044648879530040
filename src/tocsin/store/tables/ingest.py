"""What comes in: integrations, webhook deliveries, and what distinguishes repeats and late ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import Severity
from tocsin.store.tables.base import (
    NO_OBJECT,
    NOT_DELETED,
    NOW,
    Base,
    Deletable,
    one_of,
    severity_type,
)


class Integration(Deletable, Base):
    __tablename__ = "integrations"
    __table_args__ = (
        Index(
            "uq_integrations_workspace_id_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
        Index("ix_integrations_type", "type"),
        Index("ix_integrations_is_active", "is_active"),
        CheckConstraint(
            one_of("auth_scheme", "hmac", "token", "basic", "url", "sns"), "auth_scheme"
        ),
        CheckConstraint(
            one_of("signature_algorithm", "sha256", "sha512", "sha1"), "signature_algorithm"
        ),
        CheckConstraint(one_of("signature_format", "hex", "base64"), "signature_format"),
        CheckConstraint(
            one_of(
                "signed_content", "body", "timestamp.body", "timestamp:body", "id.timestamp.body"
            ),
            "signed_content",
        ),
        CheckConstraint("deduplication_window_minutes >= 0", "deduplication_window_minutes"),
        CheckConstraint("timestamp_tolerance_seconds >= 0", "timestamp_tolerance_seconds"),
        CheckConstraint("auto_resolve_minutes > 0", "auto_resolve_minutes"),
        CheckConstraint(
            "(previous_webhook_secret IS NULL) = (previous_secret_expires_at IS NULL)",
            "previous_secret",
        ),
        CheckConstraint(
            "deleted_at IS NULL"
            " OR (NOT is_active AND webhook_secret = '\\x'::bytea"
            " AND previous_webhook_secret IS NULL)",
            "inert_once_deleted",
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
    kinds: Mapped[dict[str, str] | None]
    """Words of state of its own and what they mean, `ignore` included; null: none."""
    auto_resolve_minutes: Mapped[int | None]
    """An alert that is not repeated for so long is taken to be over; null: never."""
    flapping: Mapped[dict[str, Any] | None] = mapped_column(
        server_default=text(
            '\'{"half_life_minutes": 15, "start": 3, "stop": 1, "quiet_minutes": 10,'
            ' "longest_minutes": 240, "digest_minutes": 30}\'::jsonb'
        )
    )
    """By what an alert that keeps coming and going is known (`routing/flapping.py`); null: never."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class IntegrationToken(Base):
    """A further secret of an integration, for one of its senders; kept as a hash."""

    __tablename__ = "integration_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    integration_id: Mapped[UUID] = mapped_column(
        ForeignKey("integrations.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str]
    prefix: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the whole token."""
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class IntegrationSecretUse(Base):
    """When each of two secrets was last used, noted while a rotation lasts."""

    __tablename__ = "integration_secret_uses"

    integration_id: Mapped[UUID] = mapped_column(
        ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True
    )
    current_used_at: Mapped[datetime | None]
    previous_used_at: Mapped[datetime | None]


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
            one_of(
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
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integrations.id"))
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
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alerts.id", ondelete="SET NULL"))
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
    """The newest alert that ended, and until when a trigger belongs to it."""
    alert_resolved_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    """When that end arrived here; null where an earlier version wrote it."""
    late_until: Mapped[datetime | None]
    """Until when a trigger may be late; null: until the row expires. What follows is for `flaps`."""
    flaps: Mapped[dict[str, Any] | None]
    """How often this key has come and gone when its newest alert ended; null: nobody counts."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AlertLease(Base):
    """Until when a sender says that an alert fires, unless it says so again."""

    __tablename__ = "alert_leases"

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    sender: Mapped[UUID] = mapped_column(primary_key=True)
    """Which of the integration's senders."""
    ends_at: Mapped[datetime]
    lapses_at: Mapped[datetime] = mapped_column(index=True)
