"""When a hold begins by the clock alone: what waits in a group or a storm by then is held from there on,
as what comes later is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tocsin.routing.rules import RoutingTable

AHEAD = timedelta(hours=1)


def next_beginning(table: RoutingTable, after: datetime) -> datetime | None:
    """The first instant after `after` at which a silence, a maintenance window or quiet hours of these
    begin; None if none does within `AHEAD`."""
    return min(
        (at for at in _beginnings(table, after) if after < at <= after + AHEAD), default=None
    )


def _beginnings(table: RoutingTable, after: datetime) -> Iterator[datetime]:
    for silence in table.silences:
        yield silence.starts_at
    for window in table.windows:
        yield from window.recurrence.starts(after, after + AHEAD)
    for rule in table.rules:
        if rule.is_enabled and rule.quiet_hours is not None:
            for quiet in rule.quiet_hours.windows:
                yield quiet.next_start_after(after)
