"""What planning must know of the past, read inside the transaction and under its locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from tocsin.alerts.changes import ENDINGS, AlertDetails, Event
from tocsin.model import EventType
from tocsin.routing.history import ToldTrigger
from tocsin.routing.subject import problem_of
from tocsin.store import arrays
from tocsin.store.pipe import Pipe
from tocsin.store.statements import prepared

Told = dict[bytes, dict[UUID, ToldTrigger]]
"""By alert, then destination: the newest message of its trigger."""

LastTold = dict[UUID, dict[tuple[UUID, UUID], datetime]]
"""By problem, then rule and destination: when a cooldown began."""


async def read_details(pipe: Pipe, events: Iterable[Event]) -> dict[bytes, AlertDetails]:
    """Of every alert concerned: from its event where that has them, else from the database."""
    found = {event.alert.id: event.details for event in events if event.details is not None}
    missing = sorted({event.alert.id for event in events} - found.keys())
    if missing:
        (rows,) = await pipe.run((prepared("read_alert_details"), {"ids": arrays.uuids(missing)}))
        found.update((row[0].bytes, AlertDetails(*row[1:])) for row in rows)
    return found


async def read_told(pipe: Pipe, events: Iterable[Event]) -> Told:
    """Of alerts that are older than this transaction."""
    told: Told = {}
    old = sorted({event.alert.id for event in events if event.has_history})
    if old:
        (rows,) = await pipe.run((prepared("read_told_triggers"), {"ids": arrays.uuids(old)}))
        names = ("status", "reason", "send_after", "alert_rule_id", "detail")
        for alert_id, destination_id, *values in rows:
            trigger = ToldTrigger.from_row(dict(zip(names, values, strict=True)))
            told.setdefault(alert_id.bytes, {})[destination_id] = trigger
    return told


async def read_last_told(
    pipe: Pipe, events: Iterable[Event], details: Mapping[bytes, AlertDetails]
) -> LastTold:
    """Of the problems of triggers whose workspace has any rule with a cooldown."""
    problems = {
        problem.bytes
        for event in events
        if event.event_type is EventType.TRIGGERED
        and event.entry.routing.has_cooldowns
        and (problem := problem_of(event.entry.id, details[event.alert.id].external_id))
    }
    last_told: LastTold = {}
    if problems:
        asked = arrays.uuids(sorted(problems))
        (rows,) = await pipe.run((prepared("read_cooldowns"), {"problems": asked}))
        for rule_id, destination_id, problem, told_at in rows:
            last_told.setdefault(problem, {})[rule_id, destination_id] = told_at
    return last_told


async def cancel_unsent(pipe: Pipe, events: Iterable[Event]) -> dict[bytes, set[UUID]]:
    """Withdraw what earlier transactions planned for alerts that end now and nobody has tried to
    send yet; the destinations, by alert."""
    ending = sorted(
        {event.alert.id for event in events if event.event_type in ENDINGS and event.has_history}
    )
    canceled: dict[bytes, set[UUID]] = {}
    if ending:
        (rows,) = await pipe.run((prepared("cancel_unsent"), {"alerts": arrays.uuids(ending)}))
        for alert_id, destination_id, *_ in rows:
            canceled.setdefault(alert_id.bytes, set()).add(destination_id)
    return canceled
