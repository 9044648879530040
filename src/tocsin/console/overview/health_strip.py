"""The health strip: whether everything that should work does, one cell per question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.console.frame.render import age
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


@dataclass(frozen=True, slots=True)
class HealthCell:
    """`tone` is ok, warn or bad."""

    name: str
    address: str
    tone: str
    value: str
    note: str


async def read_health(
    session: DatabaseSession, workspace_id: UUID, now: datetime
) -> list[HealthCell]:
    sources = await sources_heard(session, workspace_id)
    failing = await failing_destinations(session, workspace_id)
    destinations = await count_destinations(session, workspace_id)
    due = await oldest_due(session, workspace_id, now)
    return [
        sources_cell(sources, now),
        destinations_cell(failing, destinations, now),
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
    return HealthCell("Sources", "/integrations", "ok", value, f"last {age(newest, now)} ago")


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


def queue_cell(due: datetime | None, now: datetime) -> HealthCell:
    if due is None:
        return HealthCell(
            "Queue", "/deliveries", "ok", "Nothing waits", "all due messages are sent"
        )
    tone = "bad" if now - due > _LATE else "ok"
    return HealthCell(
        "Queue", "/deliveries", tone, f"Oldest waits {age(due, now)}", "due and not sent"
    )
