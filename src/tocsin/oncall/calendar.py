"""Shifts as a calendar that other programs subscribe to (RFC 5545). The one file that uses icalendar.

All times are UTC, so that no zone need be described. The id of an event is made of what the shift is
(schedule, person, layer and turn, or override) and when it begins: one that ends earlier or later stays
the same event. The same shifts give the same bytes all day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from icalendar import Calendar, Event, vDuration

from tocsin.oncall.resolve import Shift

PAST = timedelta(days=30)
AHEAD = timedelta(days=180)
MARGIN = timedelta(days=45)
"""Looked at besides, so that shifts at the ends of that time are whole."""

_REFRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    schedule_id: UUID
    shift: Shift
    summary: str
    description: str


def rendered(name: str, entries: Iterable[CalendarEntry], stamp: datetime) -> bytes:
    """`stamp` is when it is said to have been made."""
    calendar = Calendar()
    calendar.add("prodid", "-//Tocsin//On call//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(_REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(_REFRESH))
    for entry in entries:
        event = Event()
        event.add("uid", uid(entry))
        event.add("dtstamp", stamp)
        event.add("dtstart", entry.shift.starts_at)
        event.add("dtend", entry.shift.ends_at)
        event.add("summary", entry.summary)
        event.add("description", entry.description)
        event.add("status", "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        event.add("categories", ["On call"])
        calendar.add_component(event)
    body: bytes = calendar.to_ical()
    return body


def uid(entry: CalendarEntry) -> str:
    cause, shift = entry.shift.cause, entry.shift
    parts = (
        entry.schedule_id,
        shift.user or shift.destination,
        cause.kind.value,
        cause.layer,
        cause.layer_version,
        cause.turn,
        cause.override,
        shift.starts_at.isoformat(),
    )
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:40]
    return f"{digest}@tocsin"
