"""What goes out: destinations, what is to go to them, every attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import AlertDeliveryStatus, Severity
from tocsin.store.tables.base import (
    HELD,
    NO_OBJECT,
    NOW,
    PENDING,
    Base,
    Deletable,
    delivery_status_type,
    severity_type,
)


class AlertDestination(Deletable, Base):
    __tablename__ = "alert_destinations"
    __table_args__ = (
        Index(
            "uq_alert_destinations_workspace_id_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND user_id IS NULL"),
        ),
        Index(
            "ix_alert_destinations_user_id",
            "user_id",
            postgresql_where=text("user_id IS NOT NULL"),
        ),
        # Whose phone a reply comes from.
        Index(
            "ix_alert_destinations_phone",
            text("(config ->> 'to')"),
            postgresql_where=text("type IN ('sms', 'voice') AND deleted_at IS NULL"),
        ),
        CheckConstraint("verified_at IS NULL OR user_id IS NOT NULL", "only_contacts_are_verified"),
        CheckConstraint(
            "deleted_at IS NULL"
            " OR (NOT is_enabled AND config = '{}'::jsonb AND secret_config IS NULL)",
            "inert_once_deleted",
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
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Whose contact method it is, which only pages of that person name. None: a destination."""
    verified_at: Mapped[datetime | None]
    """When its owner entered the code that was sent to it; a contact method without is never paged."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AlertDelivery(Base):
    __tablename__ = "alert_deliveries"
    __table_args__ = (
        # What is not about alerts: a test, and what is said of schedules.
        CheckConstraint(
            "(event_type = 'alerts.test' OR event_type LIKE 'schedules.%') = (tenant_id IS NULL)"
            " AND ((event_type <> 'alerts.test' AND event_type NOT LIKE 'schedules.%')"
            " OR alert_rule_id IS NULL)"
            # A person may have somebody paged whom no rule asks for, and that may go to the fallback, or
            # together with other pages.
            " AND (alert_rule_id IS NOT NULL OR user_id IS NOT NULL OR reason IN ('fallback', 'notice')"
            " OR event_type IN ('alerts.test', 'alerts.pages'))",
            "tenant_and_rule_of_alerts",
        ),
        CheckConstraint(
            "(event_type <> 'alerts.test' AND event_type NOT LIKE 'schedules.%')"
            " OR alert_id IS NULL",
            "alert_of_alerts",
        ),
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
            "urgency",
            "send_after",
            "sequence",
            postgresql_where=text("status = 'queued' AND send_after IS NOT NULL"),
        ),
        Index(
            "ix_alert_deliveries_fresh",
            "alert_destination_id",
            "urgency",
            "sequence",
            postgresql_where=text("status = 'queued' AND send_after IS NULL"),
        ),
        # What is held: by the end of the hold, and by alert, for who looks at all of it.
        Index(
            "ix_alert_deliveries_held_until",
            "send_after",
            postgresql_where=text(f"{HELD.text} AND send_after IS NOT NULL"),
        ),
        Index("ix_alert_deliveries_held", "alert_id", postgresql_where=HELD),
        Index(
            "ix_alert_deliveries_lane",
            "alert_destination_id",
            text("coalesce(alert_id, group_id)"),
            "sequence",
            postgresql_where=PENDING,
        ),
        Index(
            "ix_alert_deliveries_carried_by",
            "carried_by",
            postgresql_where=text("carried_by IS NOT NULL"),
        ),
        # What waits for the next message of its group.
        Index(
            "ix_alert_deliveries_gathered",
            "group_id",
            postgresql_where=text(
                "group_id IS NOT NULL AND alert_id IS NOT NULL AND carried_by IS NULL"
            ),
        ),
        # What rings until it is answered, and is to be called off.
        Index(
            "ix_alert_deliveries_ringing",
            "created_at",
            postgresql_where=text("progress ? 'ringing'"),
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
        # One event of an alert is one type, moment and severity: a reopened alert, or one that has
        # become worse, triggers again.
        Index(
            "uq_alert_deliveries_fallback",
            "alert_id",
            "alert_destination_id",
            "event_type",
            text("(payload ->> 'created_at')"),
            text("(payload #>> '{alert,severity}')"),
            unique=True,
            postgresql_where=text("reason = 'fallback'"),
        ),
        Index("ix_alert_deliveries_alert_id", "alert_id"),
        Index("ix_alert_deliveries_workspace_id_id", "workspace_id", "id"),
        # What was given up; what is sent never enters it.
        Index(
            "ix_alert_deliveries_failed",
            "workspace_id",
            "id",
            postgresql_where=text("status = 'failed'"),
        ),
        # Every delivery leaves two dead rows (claimed, recorded). At a fifth of millions, which is
        # the default, the indexes of what is pending would mostly hold what was.
        {
            "postgresql_with": {
                "autovacuum_vacuum_scale_factor": 0.01,
                "autovacuum_vacuum_threshold": 50_000,
            }
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger(), Identity(always=False))
    """Rises per alert: it is drawn while the alert's lock is held. Order of sending."""
    workspace_id: Mapped[UUID]
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    alert_rule_id: Mapped[UUID | None] = mapped_column(ForeignKey("alert_rules.id"))
    alert_destination_id: Mapped[UUID] = mapped_column(ForeignKey("alert_destinations.id"))
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alerts.id"))
    """None for a test, for a message about several (`alert_delivery_alerts`), and for what is said of
    schedules."""
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
    """What decided: the matchers, every rule that named the destination, and `holds`, all that apply."""
    give_up_at: Mapped[datetime | None]
    """Set at the first claim, a day after it was due (a test: a minute): no attempt after this."""
    progress: Mapped[dict[str, Any] | None]
    """What the channel must remember between attempts (recipients that have it already)."""
    leased_by: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    urgency: Mapped[Severity] = mapped_column(severity_type, server_default=text("'CRITICAL'"))
    """Its place in the queue: the alert's severity, raised if a later message of it is worse."""
    group_id: Mapped[UUID | None]
    """What gathers it with others; messages about several that share one are sent in order."""
    carried_by: Mapped[UUID | None]
    """The message about several that says this one, too; this one shares what becomes of it."""
    escalation_id: Mapped[UUID | None]
    """Of a page: the escalation that sends it. Without a key: most messages are no pages."""
    user_id: Mapped[UUID | None]
    """Of a page: who is to be reached."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AlertDeliveryAlert(Base):
    """The alerts that a message about several lists, in the order in which it shows them."""

    __tablename__ = "alert_delivery_alerts"

    alert_delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("alert_deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int]


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
    rate_used_until: Mapped[datetime | None]
    """What waits for its turn waits for this: its rate, or one that it shares, is used up."""
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
