"""The schema of record: every table, constraint and index, as SQLAlchemy typed tables.

Three rules shape it:

- What a person deletes is marked (`deleted_at`) and its secrets erased; its row stays for as long as
  history points at it, which foreign keys hold (docs/adr/0008-history-has-foreign-keys.md).
- What must be unique is unique by constraint, never by a look before a write.
- Times are `timestamptz`; ids are UUIDv7, made by the program.
"""

from tocsin.store.tables.access import ApiKey, AuditEvent, InstallationSecret, Session, SignInLink
from tocsin.store.tables.alerts import Alert, AlertEvent, AlertTimer
from tocsin.store.tables.base import Base
from tocsin.store.tables.bulk_actions import BulkAction, BulkActionAlert
from tocsin.store.tables.console import SavedView
from tocsin.store.tables.delivery import (
    AlertDelivery,
    AlertDeliveryAlert,
    AlertDeliveryAttempt,
    AlertDestination,
    DestinationState,
    LinkCode,
    RateBucket,
)
from tocsin.store.tables.escalations import (
    AlertResponder,
    EscalationStep,
    EscalationTurn,
    StoredEscalation,
    StoredPolicy,
    StoredPolicyVersion,
)
from tocsin.store.tables.groups import AlertGroup, AlertGroupMember
from tocsin.store.tables.heartbeats import (
    Heartbeat,
    HeartbeatChange,
    HeartbeatPing,
    HeartbeatStatus,
    HeartbeatWatch,
)
from tocsin.store.tables.ingest import (
    AlertLease,
    Integration,
    IntegrationSecretUse,
    IntegrationToken,
    Resolution,
    WebhookClaim,
    WebhookDelivery,
)
from tocsin.store.tables.inhibition import (
    InhibitionSource,
    InhibitionTarget,
    StoredInhibitionRule,
)
from tocsin.store.tables.people import (
    ContactCode,
    Invitation,
    Membership,
    NotificationRule,
    User,
)
from tocsin.store.tables.retention import StoredRetentionPass
from tocsin.store.tables.routing import AlertRule, Cooldown, StoredSilence, StoredWindow
from tocsin.store.tables.schedules import (
    CalendarFeed,
    ScheduleNotice,
    ShiftSwap,
    StoredOverride,
    StoredSchedule,
    StoredScheduleVersion,
)
from tocsin.store.tables.search import AlertSearch, AlertSearchState
from tocsin.store.tables.tenancy import ConfigurationVersion, Tenant, Workspace

__all__ = [
    "Alert",
    "AlertDelivery",
    "AlertDeliveryAlert",
    "AlertDeliveryAttempt",
    "AlertDestination",
    "AlertEvent",
    "AlertGroup",
    "AlertGroupMember",
    "AlertLease",
    "AlertResponder",
    "AlertRule",
    "AlertSearch",
    "AlertSearchState",
    "AlertTimer",
    "ApiKey",
    "AuditEvent",
    "Base",
    "BulkAction",
    "BulkActionAlert",
    "CalendarFeed",
    "ConfigurationVersion",
    "ContactCode",
    "Cooldown",
    "DestinationState",
    "EscalationStep",
    "EscalationTurn",
    "Heartbeat",
    "HeartbeatChange",
    "HeartbeatPing",
    "HeartbeatStatus",
    "HeartbeatWatch",
    "InhibitionSource",
    "InhibitionTarget",
    "InstallationSecret",
    "Integration",
    "IntegrationSecretUse",
    "IntegrationToken",
    "Invitation",
    "LinkCode",
    "Membership",
    "NotificationRule",
    "RateBucket",
    "Resolution",
    "SavedView",
    "ScheduleNotice",
    "Session",
    "ShiftSwap",
    "SignInLink",
    "StoredEscalation",
    "StoredInhibitionRule",
    "StoredOverride",
    "StoredPolicy",
    "StoredPolicyVersion",
    "StoredRetentionPass",
    "StoredSchedule",
    "StoredScheduleVersion",
    "StoredSilence",
    "StoredWindow",
    "Tenant",
    "User",
    "WebhookClaim",
    "WebhookDelivery",
    "Workspace",
]
