"""What planning must know of the past, read inside the transaction and under its locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.alerts.changes import ENDINGS, AlertChange, AlertDetails
from tocsin.model import AlertDeliveryStatus, AlertWords, EventType, Reason
from tocsin.routing.history import NotifiedTrigger, named_rules
from tocsin.routing.look import HeldDelivery
from tocsin.routing.subject import alert_key_id
from tocsin.store import arrays
from tocsin.store.pipe import Pipe
from tocsin.store.statements import prepared

Notified = dict[bytes, dict[UUID, NotifiedTrigger]]
"""By alert, then destination: the newest message of its trigger."""

LastNotified = dict[UUID, dict[tuple[UUID, UUID], datetime]]
"""By alert key, then rule and destination: when a cooldown began."""


async def read_details(
    pipe: Pipe, events: Iterable[AlertChange], words: Mapping[bytes, AlertWords]
) -> dict[bytes, AlertDetails]:
    """Of every alert concerned: from its change where that has them, else from the database, with
    the words that this transaction is going to write."""
    found = {event.alert.id: event.details for event in events if event.details is not None}
    missing = sorted({event.alert.id for event in events} - found.keys())
    if missing:
        (rows,) = await pipe.run((prepared("read_alert_details"), {"ids": arrays.uuids(missing)}))
        found.update((row.id.bytes, AlertDetails.of_row(row)) for row in rows)
    for alert_id in found.keys() & words.keys():
        found[alert_id] = found[alert_id].with_words(words[alert_id])
    return found


async def read_notified(pipe: Pipe, events: Sequence[AlertChange]) -> Notified:
    """Of alerts that are older than this transaction."""
    old = sorted({event.alert.id for event in events if event.has_history})
    # Not ends, of which there are many: to hear of one once more does no harm.
    with_past = any(
        event.is_worse or event.reminding is not None or event.event_type is EventType.ACKNOWLEDGED
        for event in events
    )
    return await _read_triggers(pipe, old, with_held=True, with_past=with_past)


async def _read_triggers(
    pipe: Pipe, alert_ids: Sequence[bytes], *, with_held: bool, with_past: bool = False
) -> Notified:
    notified: Notified = {}
    if alert_ids:
        asked = {
            "ids": arrays.uuids(alert_ids),
            "with_held": int(with_held),
            "with_past": int(with_past),
        }
        (rows,) = await pipe.run((prepared("read_notified_triggers"), asked))
        for row in rows:
            trigger = NotifiedTrigger.from_row(row._asdict())
            notified.setdefault(row.alert_id.bytes, {})[row.alert_destination_id] = trigger
    return notified


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


async def cancel_unsent(
    pipe: Pipe, events: Iterable[AlertChange]
) -> dict[bytes, dict[UUID, AlertDeliveryStatus]]:
    """Withdraw what earlier transactions planned for alerts that end now and nobody has tried to
    send yet; the destinations, by alert, with how the trigger stood there."""
    ending = sorted(
        {event.alert.id for event in events if event.event_type in ENDINGS and event.has_history}
    )
    canceled: dict[bytes, dict[UUID, AlertDeliveryStatus]] = {}
    if ending:
        (rows,) = await pipe.run((prepared("cancel_unsent"), {"alerts": arrays.uuids(ending)}))
        for row in rows:
            of_alert = canceled.setdefault(row.alert_id.bytes, {})
            of_alert[row.alert_destination_id] = AlertDeliveryStatus(row.status)
    return canceled


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


async def read_held(
    pipe: Pipe, alert_ids: Iterable[bytes], held_here: Iterable[bytes]
) -> HeldOfAlerts:
    """What earlier transactions hold of these alerts. `held_here`: those of which this one holds
    something, too, which follows what was sent before."""
    held = HeldOfAlerts()
    asked = sorted(set(alert_ids))
    if not asked:
        return held
    (rows,) = await pipe.run((prepared("read_held"), {"ids": arrays.uuids(asked)}))
    for row in rows:
        lanes = held.lanes.setdefault(row.alert_id.bytes, {})
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
    known = sorted(held.lanes.keys() | held_here)
    held.triggers = await _read_triggers(pipe, known, with_held=False)
    return held
