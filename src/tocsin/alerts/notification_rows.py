"""The rows that a transaction makes to destinations, as parameters of the statements that write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.message import Content, encode
from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity, uuid7_bytes
from tocsin.routing.group import GroupKey
from tocsin.routing.look import Looked
from tocsin.store import arrays
from tocsin.store.arrays import Array

T = TypeVar("T")

_json = msgspec.json.Encoder().encode
_PENDING = (AlertDeliveryStatus.QUEUED, AlertDeliveryStatus.DEFERRED)
_rank, _bytes = attrgetter("rank"), attrgetter("bytes")


class PendingDelivery(Struct):
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


class Settlement(Struct, frozen=True):
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
        "workspace_ids": _ids([row.workspace_id for row in rows]),
        "tenant_ids": _ids([row.tenant_id for row in rows]),
        "rule_ids": _ids([row.rule_id for row in rows]),
        "destination_ids": _ids([row.destination_id for row in rows]),
        "alert_ids": arrays.uuids([row.alert_id for row in rows]),
        "event_types": arrays.texts([row.event_type for row in rows]),
        "statuses": arrays.texts([row.status for row in rows]),
        "send_after": arrays.optional_times([row.send_after for row in rows]),
        "payloads": arrays.encoded(_each_once([row.payload for row in rows], encode)),
        "reasons": arrays.texts([row.reason for row in rows]),
        "details": arrays.encoded(_each_once([row.detail for row in rows], _json)),
        "urgencies": arrays.texts([row.urgency for row in rows]),
        "created": arrays.times([now] * len(rows)),
        "group_ids": arrays.optional_uuids(
            [None if row.group is None else row.group.id.bytes for row in rows]
        ),
    }


def _each_once(values: Sequence[T], encode: Callable[[T], bytes]) -> list[bytes]:
    """Encoded; what several rows share is encoded once."""
    known: dict[int, bytes] = {}
    return [known.get(id(each)) or known.setdefault(id(each), encode(each)) for each in values]


def _ids(values: Sequence[UUID]) -> Array:
    return arrays.uuids(_each_once(values, _bytes))


class GroupJoined(Struct, frozen=True):
    """An alert that joins a group; `is_trigger` False: only what follows its trigger does."""

    group: GroupKey
    workspace_id: UUID
    alert_id: bytes
    is_trigger: bool
    severity: Severity | None = None
    """Of news. None: its group is to be looked at, whatever that waits for."""


def join_parameters(joined: Sequence[GroupJoined], now: datetime) -> dict[str, Any] | None:
    """Of `join_groups`; None: nothing is gathered."""
    if not joined:
        return None
    by_group: dict[UUID, list[GroupJoined]] = {}
    for each in joined:
        by_group.setdefault(each.group.id, []).append(each)
    groups = [those[0] for those in by_group.values()]
    worst = {id: severity for id, those in by_group.items() if (severity := _worst_news(those))}
    due = [now + _wait(each.group, worst.get(each.group.id)) for each in groups]
    return {
        "ids": arrays.uuids([each.group.id.bytes for each in groups]),
        "threads": arrays.uuids([uuid7_bytes() for _ in groups]),
        "workspace_ids": arrays.uuids([each.workspace_id.bytes for each in groups]),
        "tenant_ids": arrays.uuids([each.group.tenant_id.bytes for each in groups]),
        "rule_ids": arrays.uuids([each.group.rule_id.bytes for each in groups]),
        "destination_ids": arrays.uuids([each.group.destination_id.bytes for each in groups]),
        "labels": arrays.encoded([_json(each.group.labels) for each in groups]),
        "kinds": arrays.texts([each.group.kind.value for each in groups]),
        "look_at": arrays.times(due),
        "next_at": arrays.optional_times([at if at > now else None for at in due]),
        "member_groups": _ids([each.group.id for each in joined]),
        "member_alerts": arrays.uuids([each.alert_id for each in joined]),
        "member_known": arrays.integers([0 if each.is_trigger else 1 for each in joined]),
        "may_wait": arrays.text(_json({str(id): severity for id, severity in worst.items()})),
        "now": now,
    }


def _worst_news(joined: Sequence[GroupJoined]) -> Severity | None:
    """The worst that joins one group; None if not only news does."""
    severities = [each.severity for each in joined if each.severity is not None]
    return max(severities, key=_rank) if len(severities) == len(joined) else None


def _wait(group: GroupKey, worst: Severity | None) -> timedelta:
    """How long the group, if it is new, has nothing to decide (see `routing.group.decide`)."""
    return timedelta() if worst in (None, Severity.CRITICAL) else group.wait


class StartedCooldown(Struct, frozen=True):
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
