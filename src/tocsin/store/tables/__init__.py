"""The schema of record: every table, constraint and index, as SQLAlchemy typed tables.

Three rules shape it:

- What records the past (webhook deliveries, alerts, their events and deliveries) carries no foreign
  keys: a record outlives what it mentions, and a key check per row would cost the hot path a third
  of its speed (docs/adr/0002-group-commit.md). Such rows are only ever written in transactions that
  hold the configuration lock, so they never point at something that was not there.
- What must be unique is unique by constraint, never by a look before a write.
- Times are `timestamptz`; ids are UUIDv7, made by the program.
"""

from tocsin.store.tables.access import ApiKey, AuditEvent, Membership, Session, User
from tocsin.store.tables.alerts import Alert, AlertEvent
from tocsin.store.tables.base import Base
from tocsin.store.tables.delivery import (
    AlertDelivery,
    AlertDeliveryAttempt,
    AlertDestination,
    DestinationState,
    LinkCode,
    RateBucket,
)
from tocsin.store.tables.ingest import Integration, Resolution, WebhookClaim, WebhookDelivery
from tocsin.store.tables.routing import AlertRule, Cooldown, Silence
from tocsin.store.tables.tenancy import ConfigurationVersion, Tenant, Workspace

__all__ = [
    "Alert",
    "AlertDelivery",
    "AlertDeliveryAttempt",
    "AlertDestination",
    "AlertEvent",
    "AlertRule",
    "ApiKey",
    "AuditEvent",
    "Base",
    "ConfigurationVersion",
    "Cooldown",
    "DestinationState",
    "Integration",
    "LinkCode",
    "Membership",
    "RateBucket",
    "Resolution",
    "Session",
    "Silence",
    "Tenant",
    "User",
    "WebhookClaim",
    "WebhookDelivery",
    "Workspace",
]
