"""What planning must know of the past, read inside the transaction and under its locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from tocsin.alerts.changes import ENDINGS, AlertChange, AlertDetails
from tocsin.alerts.words import Words
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


async def read_details(
    pipe: Pipe, events: Iterable[AlertChange], words: Mapping[bytes, Words]
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


async def read_told(pipe: Pipe, events: Iterable[AlertChange]) -> Told:
    """Of alerts that are older than this transaction."""
    told: Told = {}
    old = sorted({event.alert.id for event in events if event.has_history})
    if old:
        (rows,) = await pipe.run((prepared("read_notified_triggers"), {"ids": arrays.uuids(old)}))
        for row in rows:
            trigger = ToldTrigger.from_row(row._asdict())
            told.setdefault(row.alert_id.bytes, {})[row.alert_destination_id] = trigger
    return told


async def read_last_told(
    pipe: Pipe, events: Iterable[AlertChange], details: Mapping[bytes, AlertDetails]
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
        for row in rows:
            of_key = last_told.setdefault(row.problem, {})
            of_key[row.alert_rule_id, row.alert_destination_id] = row.told_at
    return last_told


async def cancel_unsent(pipe: Pipe, events: Iterable[AlertChange]) -> dict[bytes, set[UUID]]:
    """Withdraw what earlier transactions planned for alerts that end now and nobody has tried to
    send yet; the destinations, by alert."""
    ending = sorted(
        {event.alert.id for event in events if event.event_type in ENDINGS and event.has_history}
    )
    canceled: dict[bytes, set[UUID]] = {}
    if ending:
        (rows,) = await pipe.run((prepared("cancel_unsent"), {"alerts": arrays.uuids(ending)}))
        for row in rows:
            canceled.setdefault(row.alert_id.bytes, set()).add(row.alert_destination_id)
    return canceled
