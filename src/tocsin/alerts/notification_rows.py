"""The rows that a transaction makes to destinations, as parameters of the statements that write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tocsin.message import Content, encode
from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity, uuid7_bytes
from tocsin.routing.group import GroupKey
from tocsin.routing.look import Looked
from tocsin.store import arrays

_json = msgspec.json.Encoder().encode
_PENDING = (AlertDeliveryStatus.QUEUED, AlertDeliveryStatus.DEFERRED)


@dataclass(slots=True)
class PendingDelivery:
    """One row of `alert_deliveries` in the making; an alert that ends may still withdraw it."""

    id: bytes
    workspace_id: UUID
    tenant_id: UUID
    rule_id: UUID
    destination_id: UUID
    alert_id: bytes
    event_type: EventType
    status: AlertDeliveryStatus
    reason: Reason
    send_after: datetime | None
    payload: Content
    detail: Mapping[str, Any]
    remind_after: timedelta | None = None
    group: GroupKey | None = None
    """Where it waits for others."""

    @property
    def urgency(self) -> Severity:
        """Its place in the queue; what is about no alert is urgent, in doubt."""
        alert = self.payload.alert
        return Severity.CRITICAL if alert is None else alert.severity

    @property
    def is_pending(self) -> bool:
        return self.status in _PENDING

    @property
    def is_held(self) -> bool:
        return self.status is AlertDeliveryStatus.DEFERRED

    @property
    def is_held_for_flapping(self) -> bool:
        return self.is_held and any(
            hold["reason"] == Reason.FLAPPING.value for hold in self.detail.get("holds", ())
        )

    def withdraw(self) -> None:
        self.status, self.reason = AlertDeliveryStatus.CANCELED, Reason.RESOLVED_BEFORE_SENT
        self.send_after = self.group = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a look decided about one held message of an earlier transaction. `payload` is what it says
    now."""

    id: bytes
    alert_id: bytes
    destination_id: UUID
    looked: Looked
    payload: Mapping[str, Any]


def settle_parameters(rows: Sequence[Settlement], now: datetime) -> dict[str, Any] | None:
    """Of `settle_held`; None: there is nothing to settle."""
    if not rows:
        return None
    return {
        "ids": arrays.uuids([row.id for row in rows]),
        "statuses": arrays.texts([row.looked.status.value for row in rows]),
        "reasons": arrays.texts([row.looked.reason.value for row in rows]),
        "send_after": arrays.optional_times([row.looked.send_after for row in rows]),
        "details": arrays.encoded([_json(row.looked.detail) for row in rows]),
        "payloads": arrays.encoded([_json(row.payload) for row in rows]),
        "group_ids": arrays.optional_uuids(
            [None if row.looked.group is None else row.looked.group.id.bytes for row in rows]
        ),
        "now": now,
    }


def insert_parameters(rows: Sequence[PendingDelivery], now: datetime) -> dict[str, Any] | None:
    """Of `insert_alert_deliveries`; None: there is nothing to insert."""
    if not rows:
        return None
    return {
        "ids": arrays.uuids([row.id for row in rows]),
        "workspace_ids": arrays.uuids([row.workspace_id.bytes for row in rows]),
        "tenant_ids": arrays.uuids([row.tenant_id.bytes for row in rows]),
        "rule_ids": arrays.uuids([row.rule_id.bytes for row in rows]),
        "destination_ids": arrays.uuids([row.destination_id.bytes for row in rows]),
        "alert_ids": arrays.uuids([row.alert_id for row in rows]),
        "event_types": arrays.texts([row.event_type for row in rows]),
        "statuses": arrays.texts([row.status for row in rows]),
        "send_after": arrays.optional_times([row.send_after for row in rows]),
        "payloads": arrays.encoded([encode(row.payload) for row in rows]),
        "reasons": arrays.texts([row.reason for row in rows]),
        "details": arrays.encoded([_json(row.detail) for row in rows]),
        "urgencies": arrays.texts([row.urgency for row in rows]),
        "created": arrays.times([now] * len(rows)),
        "group_ids": arrays.optional_uuids(
            [None if row.group is None else row.group.id.bytes for row in rows]
        ),
    }


@dataclass(frozen=True, slots=True)
class GroupJoined:
    """An alert that joins a group; `is_trigger` False: only what follows its trigger does."""

    group: GroupKey
    workspace_id: UUID
    alert_id: bytes
    is_trigger: bool


def join_parameters(joined: Sequence[GroupJoined], now: datetime) -> dict[str, Any] | None:
    """Of `join_groups`; None: nothing is gathered."""
    if not joined:
        return None
    groups = {each.group.id: each for each in joined}.values()
    return {
        "ids": arrays.uuids([each.group.id.bytes for each in groups]),
        "threads": arrays.uuids([uuid7_bytes() for _ in groups]),
        "workspace_ids": arrays.uuids([each.workspace_id.bytes for each in groups]),
        "tenant_ids": arrays.uuids([each.group.tenant_id.bytes for each in groups]),
        "rule_ids": arrays.uuids([each.group.rule_id.bytes for each in groups]),
        "destination_ids": arrays.uuids([each.group.destination_id.bytes for each in groups]),
        "labels": arrays.encoded([_json(each.group.labels) for each in groups]),
        "kinds": arrays.texts([each.group.kind.value for each in groups]),
        "member_groups": arrays.uuids([each.group.id.bytes for each in joined]),
        "member_alerts": arrays.uuids([each.alert_id for each in joined]),
        "member_known": arrays.integers([0 if each.is_trigger else 1 for each in joined]),
        "now": now,
    }


@dataclass(frozen=True, slots=True)
class StartedCooldown:
    alert_key: UUID
    rule_id: UUID
    destination_id: UUID
    notified_at: datetime
    expires_at: datetime


def cooldown_parameters(started: Sequence[StartedCooldown]) -> dict[str, Any] | None:
    """Of `remember_cooldowns`; the newest of each kind, sorted."""
    rows = sorted(
        {(each.alert_key, each.rule_id, each.destination_id): each for each in started}.items()
    )
    if not rows:
        return None
    return {
        "alert_keys": arrays.uuids([each.alert_key.bytes for _, each in rows]),
        "rule_ids": arrays.uuids([each.rule_id.bytes for _, each in rows]),
        "destination_ids": arrays.uuids([each.destination_id.bytes for _, each in rows]),
        "notified": arrays.times([each.notified_at for _, each in rows]),
        "expires": arrays.times([each.expires_at for _, each in rows]),
    }
