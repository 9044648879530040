"""What planning must know of the past, read inside the transaction and under its locks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.alerts.changes import ENDINGS, AlertChange, AlertDetails
from tocsin.model import AlertDeliveryStatus, AlertWords, EventType, Reason
from tocsin.routing.history import NotifiedTrigger, named_rules
from tocsin.routing.look import HeldDelivery
from tocsin.routing.subject import alert_key_id
from tocsin.store import arrays
from tocsin.store.pipe import Pipe, Row
from tocsin.store.statements import prepared

Notified = dict[bytes, dict[UUID, NotifiedTrigger]]
"""By alert, then destination: the newest message of its trigger."""

LastNotified = dict[UUID, dict[tuple[UUID, UUID], datetime]]
"""By alert key, then rule and destination: when a cooldown began."""


class StoredHold(Struct, frozen=True):
    """A held message of an earlier transaction."""

    id: bytes
    destination_id: UUID
    delivery: HeldDelivery


@dataclass(slots=True)
class HeldOfAlerts:
    """What is held, by alert and destination in the order of the messages; `triggers` are those that
    are not."""

    lanes: dict[bytes, dict[UUID, list[StoredHold]]] = field(default_factory=dict)
    triggers: Notified = field(default_factory=dict)


class Past(Struct):
    """What is known of alerts, as far as it was asked. `canceled`: the destinations whose trigger was
    withdrawn just now, by alert, with how it stood there."""

    details: dict[bytes, AlertDetails]
    notified: Notified = {}
    canceled: dict[bytes, dict[UUID, AlertDeliveryStatus]] = {}
    held: HeldOfAlerts = msgspec.field(default_factory=HeldOfAlerts)

    def describe(self, rows: Iterable[Row]) -> None:
        self.details.update((row.id.bytes, AlertDetails.of_row(row)) for row in rows)

    def add_notified(self, rows: Iterable[Row]) -> None:
        self.notified = _triggers(rows)

    def add_canceled(self, rows: Iterable[Row]) -> None:
        for row in rows:
            of_alert = self.canceled.setdefault(row.alert_id.bytes, {})
            of_alert[row.alert_destination_id] = AlertDeliveryStatus(row.status)

    def hold(self, rows: Iterable[Row]) -> None:
        for row in rows:
            lanes = self.held.lanes.setdefault(row.alert_id.bytes, {})
            delivery = HeldDelivery(
                event_type=EventType(row.event_type),
                reason=Reason(row.reason),
                send_after=row.send_after,
                since=row.created_at,
                rule_ids=named_rules(row.alert_rule_id, row.detail),
                detail=row.detail,
                group_id=row.group_id,
            )
            stored = StoredHold(row.id.bytes, row.alert_destination_id, delivery)
            lanes.setdefault(row.alert_destination_id, []).append(stored)

    def add_loose(self, rows: Iterable[Row]) -> None:
        self.held.triggers = _triggers(rows)


def _triggers(rows: Iterable[Row]) -> Notified:
    notified: Notified = {}
    for row in rows:
        trigger = NotifiedTrigger.from_row(row._asdict())
        notified.setdefault(row.alert_id.bytes, {})[row.alert_destination_id] = trigger
    return notified


async def read_details(
    pipe: Pipe, events: Collection[AlertChange], words: Mapping[bytes, AlertWords]
) -> dict[bytes, AlertDetails]:
    """Of every alert concerned: from its change where that has them, else from the database, with
    the words that this transaction is going to write."""
    return (await read_past(pipe, events, (), (), words)).details


async def read_past(
    pipe: Pipe,
    described: Collection[AlertChange],
    events: Sequence[AlertChange],
    looks: Sequence[AlertChange],
    words: Mapping[bytes, AlertWords],
) -> Past:
    """In one trip: the details of `described`, as `read_details`; who was notified of the triggers of
    `events`; what is held of `looks`. What earlier transactions planned for alerts that end now, and
    nobody has tried to send yet, is withdrawn, after the former and before the latter is read."""
    past = Past({event.alert.id: event.details for event in described if event.details is not None})
    missing = {event.alert.id for event in described} - past.details.keys()
    old = {event.alert.id for event in events if event.has_history}
    ending = {
        event.alert.id for event in events if event.event_type in ENDINGS and event.has_history
    }
    held = {each.alert.id for each in looks if each.has_history}
    # Not ends, of which there are many: to hear of one once more does no harm.
    with_past = any(
        event.is_worse or event.reminding is not None or event.event_type is EventType.ACKNOWLEDGED
        for event in events
    )
    every = {"with_held": 1, "with_past": int(with_past)}
    loose = {"with_held": 0, "with_past": 0}
    asked = [
        (past.describe, "read_alert_details", "ids", missing, {}),
        (past.add_notified, "read_notified_triggers", "ids", old, every),
        (past.add_canceled, "cancel_unsent", "alerts", ending, {}),
        (past.hold, "read_held", "ids", held, {}),
        (past.add_loose, "read_notified_triggers", "ids", held, loose),
    ]
    calls = {
        take: (prepared(name), {ids: arrays.uuids(sorted(alerts)), **more})
        for take, name, ids, alerts, more in asked
        if alerts
    }
    if calls:
        for take, rows in zip(calls, await pipe.run(*calls.values()), strict=True):
            take(rows)
    for alert_id in past.details.keys() & words.keys():
        past.details[alert_id] = past.details[alert_id].with_words(words[alert_id])
    return past


async def read_last_notified(pipe: Pipe, alert_keys: Iterable[UUID]) -> LastNotified:
    """Of these alert keys."""
    last_notified: LastNotified = {}
    asked = sorted({alert_key.bytes for alert_key in alert_keys})
    if asked:
        (rows,) = await pipe.run((prepared("read_cooldowns"), {"alert_keys": arrays.uuids(asked)}))
        for row in rows:
            of_key = last_notified.setdefault(row.problem, {})
            of_key[row.alert_rule_id, row.alert_destination_id] = row.told_at
    return last_notified


def cooling_keys(events: Iterable[AlertChange], details: Mapping[bytes, AlertDetails]) -> set[UUID]:
    """The alert keys of triggers whose workspace has any rule with a cooldown."""
    return {
        alert_key
        for event in events
        if event.event_type is EventType.TRIGGERED
        and event.entry.routing.has_cooldowns
        and (alert_key := alert_key_id(event.entry.id, details[event.alert.id].external_id))
    }
