"""The health strip: whether everything that should work does, one cell per question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.console.frame.render import age
from tocsin.console.overview.duty_health import AHEAD, DutyAhead
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.health import (
    FailingDestination,
    SourceHeard,
    count_destinations,
    failing_destinations,
    oldest_due,
    sources_heard,
)

_LATE = timedelta(seconds=30)
_JUST_NOW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class HealthCell:
    """`tone` is ok, warn or bad."""

    name: str
    address: str
    tone: str
    value: str
    note: str


async def read_health(
    session: DatabaseSession, workspace_id: UUID, duty: DutyAhead, now: datetime
) -> list[HealthCell]:
    """Those of people and schedules only where there are any."""
    sources = await sources_heard(session, workspace_id)
    failing = await failing_destinations(session, workspace_id)
    destinations = await count_destinations(session, workspace_id)
    due = await oldest_due(session, workspace_id, now)
    return [
        sources_cell(sources, now),
        destinations_cell(failing, destinations, now),
        *([people_cell(duty)] if duty.people else []),
        *([schedules_cell(duty, now)] if duty.schedules else []),
        queue_cell(due, now),
    ]


def sources_cell(sources: Sequence[SourceHeard], now: datetime) -> HealthCell:
    silent = [
        (each, now - each.last_at) for each in sources if each.last_at and each.is_silent(now)
    ]
    if not sources:
        return HealthCell("Sources", "/integrations", "warn", "No source yet", "choose a tool")
    if silent:
        each, since = max(silent, key=lambda pair: pair[1])
        usual = "" if each.usual_gap is None else f", usually {age(now - each.usual_gap, now)}"
        value = f"{len(silent)} of {len(sources)} silent"
        note = f"{each.name} · {age(now - since, now)}{usual}"
        return HealthCell("Sources", "/integrations", "warn", value, note)
    never = [each for each in sources if each.last_at is None]
    if never:
        value = f"{len(never)} of {len(sources)} not heard yet"
        return HealthCell("Sources", "/integrations", "warn", value, never[0].name)
    newest = max(each.last_at for each in sources if each.last_at)
    value = f"All {len(sources)} heard" if len(sources) > 1 else "Heard"
    return HealthCell("Sources", "/integrations", "ok", value, _last(newest, now))


def _last(at: datetime, now: datetime) -> str:
    return "just now" if now - at < _JUST_NOW else f"last {age(at, now)} ago"


def destinations_cell(
    failing: Sequence[FailingDestination], count: int, now: datetime
) -> HealthCell:
    if failing:
        value = f"{len(failing)} of {count} failing"
        note = f"{failing[0].name} · for {age(failing[0].since, now)}"
        return HealthCell("Destinations", "/destinations", "bad", value, note)
    if not count:
        return HealthCell(
            "Destinations", "/destinations", "warn", "No destination yet", "nobody can be notified"
        )
    value = f"All {count} reachable" if count > 1 else "Reachable"
    return HealthCell("Destinations", "/destinations", "ok", value, "none fails")


def people_cell(duty: DutyAhead) -> HealthCell:
    count, lost = len(duty.people), len(duty.unreached)
    if lost:
        value = f"{lost} of {count} not reachable" if count > 1 else "Not reachable"
        more = f" and {lost - 1} more" if lost > 1 else ""
        note = f"{duty.unreached[0]}{more} · no contact method"
        return HealthCell("People", "/policies", "bad", value, note)
    value = f"All {count} reachable" if count > 1 else "Reachable"
    return HealthCell("People", "/policies", "ok", value, "whoever may be paged")


def schedules_cell(duty: DutyAhead, now: datetime) -> HealthCell:
    if not duty.gaps:
        note = f"in the next {AHEAD.days} days"
        return HealthCell("Schedules", "/schedules", "ok", "No gap", note)
    gap = duty.gaps[0]
    zone = ZoneInfo(gap.timezone)
    begin, end = (at.astimezone(zone) for at in gap.span)
    address = f"/schedules/{gap.schedule_id}?view=week&from={begin.date().isoformat()}"
    if gap.span.starts_at <= now:
        return HealthCell("Schedules", address, "bad", "Nobody is on call", gap.schedule)
    until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%a} {end:%H:%M}"
    value = f"Gap {begin:%a} {begin:%H:%M} – {until}"
    more = f" · {len(duty.gaps) - 1} more" if len(duty.gaps) > 1 else ""
    note = f"{gap.schedule} · in {age(now - (gap.span.starts_at - now), now)}{more}"
    return HealthCell("Schedules", address, "warn", value, note)


def queue_cell(due: datetime | None, now: datetime) -> HealthCell:
    if due is None:
        return HealthCell(
            "Queue", "/deliveries", "ok", "Nothing waits", "all due messages are sent"
        )
    tone = "bad" if now - due > _LATE else "ok"
    return HealthCell(
        "Queue", "/deliveries", tone, f"Oldest waits {age(due, now)}", "due and not sent"
    )
