"""When a hold begins by the clock alone."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.routing.builders import HOUR, MINUTE, NOW, quiet_hours, rule, silence, table
from tocsin.routing.beginnings import next_beginning
from tocsin.routing.maintenance import MaintenanceWindow
from tocsin.routing.matchers import Matcher
from tocsin.routing.recurrence import Recurrence
from tocsin.routing.rules import RoutingTable


def window(rrule: str | None = None, after: timedelta = timedelta()) -> RoutingTable:
    starts_at = (NOW + after).replace(tzinfo=None)
    recurrence = Recurrence(starts_at, "UTC", HOUR, rrule)
    matchers = (Matcher("team", "=", "db"),)
    found = MaintenanceWindow(UUID(int=1), "DB patch", "", matchers, recurrence)
    known = table(rule())
    return RoutingTable(
        workspace_id=known.workspace_id,
        rules=known.rules,
        silences=(),
        destinations=known.destinations,
        windows=(found,),
    )


def test_nothing_begins_where_nothing_is_configured() -> None:
    assert next_beginning(table(rule()), NOW) is None


@pytest.mark.parametrize(
    ("routing", "begins_in"),
    [
        (table(silences=(silence(starts_at=NOW, ends_at=NOW + HOUR),)), None),
        (table(silences=(silence(starts_at=NOW + MINUTE, ends_at=NOW + HOUR),)), MINUTE),
        (table(silences=(silence(starts_at=NOW + 2 * HOUR, ends_at=NOW + 3 * HOUR),)), None),
        (table(rule(quiet_hours=quiet_hours("12:30", "13:00"))), 30 * MINUTE),
        (table(rule(quiet_hours=quiet_hours("11:30", "13:00"))), None),
        (table(rule(quiet_hours=quiet_hours("12:30", "13:00"), is_enabled=False)), None),
        (window(), None),
        (window(after=5 * MINUTE), 5 * MINUTE),
        (window("FREQ=DAILY", after=5 * MINUTE - timedelta(days=3)), 5 * MINUTE),
    ],
)
def test_the_next_within_an_hour(routing: RoutingTable, begins_in: timedelta | None) -> None:
    assert next_beginning(routing, NOW) == (None if begins_in is None else NOW + begins_in)
    if begins_in is not None:
        # What begins has begun then.
        assert next_beginning(routing, NOW + begins_in) is None


def test_the_first_of_several_counts() -> None:
    soon = silence(starts_at=NOW + MINUTE, ends_at=NOW + HOUR, number=2)
    later = silence(starts_at=NOW + 2 * MINUTE, ends_at=NOW + HOUR)
    assert next_beginning(table(silences=(later, soon)), NOW) == NOW + MINUTE
