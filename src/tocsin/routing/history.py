"""What was said before, as far as it decides what is said next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from tocsin.model import AlertDeliveryStatus, Reason

_GATHERED = (Reason.GROUPED, Reason.RATE_LIMITED, Reason.BUNDLED)


def named_rules(rule_id: UUID | None, detail: Mapping[str, Any]) -> frozenset[UUID]:
    """Every rule that named the destination of an alert delivery, by its row."""
    named = {UUID(rule["id"]) for rule in detail.get("rules", ())}
    return frozenset(named if rule_id is None else named | {rule_id})


class NotifiedTrigger(Struct, frozen=True):
    """The newest `alerts.triggered` delivery of this alert to one destination."""

    status: AlertDeliveryStatus
    reason: Reason
    send_after: datetime | None = None
    rule_ids: frozenset[UUID] = frozenset()
    """Every rule that named the destination then."""
    in_digest: bool = False
    """A storm's digest said it, with a great many others."""
    is_past: bool = False
    """The alert has ended and was reopened since."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> NotifiedTrigger:
        """From a row of `alert_deliveries`: status, reason, send_after, alert_rule_id, detail, and
        `is_carried` and `is_past` where they are known."""
        reason = Reason(row["reason"])
        return cls(
            status=AlertDeliveryStatus(row["status"]),
            reason=reason,
            send_after=row["send_after"],
            rule_ids=named_rules(row["alert_rule_id"], row["detail"]),
            in_digest=bool(row.get("is_carried")) and reason is Reason.RATE_LIMITED,
            is_past=bool(row.get("is_past")),
        )

    @property
    def is_held(self) -> bool:
        """Whether a hold keeps it back. What waits for its group is as good as sent: what follows it
        waits there, too."""
        return self.status is AlertDeliveryStatus.DEFERRED and self.reason not in _GATHERED

    @property
    def counts_as_notified(self) -> bool:
        """Sent, or pending, or given up after attempts of which one may have arrived."""
        return self.status not in (AlertDeliveryStatus.SUPPRESSED, AlertDeliveryStatus.CANCELED)


class History(Struct, frozen=True):
    """What was said before: `last_notified` per rule and destination for this alert key (only triggers
    read it), `notified_trigger` per destination for this alert (only what follows a trigger does)."""

    last_notified: Mapping[tuple[UUID, UUID], datetime] = {}
    notified_trigger: Mapping[UUID, NotifiedTrigger] = {}


NO_HISTORY = History()
