"""The numbers of the overview: steps of time, and whose night it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.model import Severity, uuid7
from tocsin.resources.overview import over_time, paged_people, step_for
from tocsin.store.queries.overview import Names

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def hour(at: datetime, count: int, severity: str = "HIGH") -> dict[str, Any]:
    return {"at": int(at.timestamp()), "severity": severity, "count": count}


def test_every_step_is_there_and_hours_are_added_up() -> None:
    since = NOON - timedelta(days=7)
    found = over_time(
        [hour(NOON - timedelta(hours=1), 2), hour(NOON - timedelta(hours=3), 5)],
        since,
        NOON,
        step_for(NOON - since),
    )
    assert len(found) == 29
    assert found[0].begins_at == since
    assert found[-2].counts == {Severity.HIGH: 7}
    assert found[-1].counts == {}


def test_steps_are_as_short_as_the_time() -> None:
    assert step_for(timedelta(hours=5)) == step_for(timedelta(days=2)) == 3_600
    assert step_for(timedelta(days=7)) == 6 * 3_600
    assert step_for(timedelta(days=30)) == 86_400


def page(user: UUID, at: datetime, count: int = 1) -> dict[str, Any]:
    return {"user_id": str(user), "at": int(at.timestamp()), "count": count}


def test_a_night_is_that_of_the_clock_where_they_are() -> None:
    ana, ben = uuid7(), uuid7()
    names = Names({}, {}, {ana: ("Ana", "Asia/Tokyo"), ben: ("Ben", "UTC")})
    evening = datetime(2026, 3, 1, 21, 45, tzinfo=UTC)
    found = paged_people(
        [
            # 06:45 in Tokyo.
            page(ana, evening, 3),
            page(ben, evening, 9),
            # Two pages of one night, on both sides of midnight.
            page(ben, datetime(2026, 3, 1, 22, 0, tzinfo=UTC)),
            page(ben, datetime(2026, 3, 2, 6, 45, tzinfo=UTC)),
            page(ben, datetime(2026, 3, 2, 7, 0, tzinfo=UTC)),
        ],
        names,
    )
    assert [(each.name, each.pages, each.at_night, each.nights) for each in found] == [
        ("Ana", 3, 3, 1),
        ("Ben", 12, 2, 1),
    ]


def test_somebody_who_has_left_is_counted_too() -> None:
    (found,) = paged_people([page(uuid7(), NOON)], Names({}, {}, {}))
    assert (found.name, found.pages) == ("deleted", 1)
