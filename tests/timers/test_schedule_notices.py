"""People are told of their shifts, and admins of gaps, by a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.oncall.builders import layer, rotation
from tests.support.postgres import Database
from tests.timers.escalations import Paging, paging
from tocsin.model import uuid7
from tocsin.oncall.documents import layer_document
from tocsin.timers.schedule_notices import ScheduleNotices

NINE = datetime.fromisoformat("2027-06-07T09:00:00+00:00")
"""A Monday."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Rota:
    def __init__(self, hub: Paging) -> None:
        self.hub = hub
        hub.base.now = NINE - HOUR
        self.notices = ScheduleNotices(hub.workspace.url, hub.base.feed)

    def close(self) -> None:
        self.hub.base.run(self.notices.close())

    def restart(self) -> None:
        self.close()
        self.notices = ScheduleNotices(self.hub.workspace.url, self.hub.base.feed)

    def wants(self, user_id: UUID, *before: int, at_end: bool = True) -> None:
        wanted = {"before_minutes": list(before), "at_end": at_end}
        self.hub.sql("UPDATE users SET shift_notices = %s WHERE id = %s", Json(wanted), user_id)
        self.configured()

    def configured(self) -> None:
        self.hub.sql("UPDATE configuration SET version = version + 1")

    def schedule(self, *users: UUID, **columns: Any) -> UUID:
        """In turn, week by week, from Monday at nine."""
        id, since = uuid7(), NINE - 21 * DAY
        layers = [layer_document(layer(rotation("weekly", f"{since:%F}", "09:00"), *users))]
        shared = {
            "timezone": "UTC",
            "effective_from": since,
            "layers": Json(layers if users else []),
        }
        self.hub.workspace.insert(
            "schedules",
            id=id,
            workspace_id=self.hub.workspace.id,
            **{"name": "Primary", "created_at": since, **shared, **columns},
        )
        self.hub.workspace.insert("schedule_versions", schedule_id=id, **shared)
        return id

    def at(self, moment: datetime) -> None:
        self.hub.base.now = moment
        self.look()

    def look(self) -> None:
        self.hub.base.run(self.notices.work(self.hub.now))

    def told(self) -> list[tuple[str, str, str]]:
        """To whom, what, and its first sentence."""
        found = self.hub.sql(
            "SELECT alert_destination_id, event_type, payload #>> '{notice,text}'"
            " FROM alert_deliveries WHERE event_type LIKE 'schedules.%%' ORDER BY sequence"
        )
        return [
            (self.hub.names[row[0]], row[1].removeprefix("schedules."), row[2].split(". ")[0])
            for row in found
        ]


@pytest.fixture
def rota(database: Database) -> Iterator[Rota]:
    with paging(database.url) as hub:
        opened = Rota(hub)
        yield opened
        opened.close()


def admin(rota: Rota, name: str, **minutes: float) -> UUID:
    id = rota.hub.person(name, **minutes)
    rota.hub.sql("UPDATE memberships SET role = 'admin' WHERE user_id = %s", id)
    rota.configured()
    return id


def test_who_asked_is_told_before_and_after_a_shift_and_once_over_restarts(rota: Rota) -> None:
    u, m = rota.hub.person("U", push=0), rota.hub.person("M", mail=0)
    rota.schedule(u, m)
    rota.wants(u, 60)
    rota.wants(m, 60, 0)
    rota.look()
    first = [("mail of M", "shift_begins", "Your shift begins in 1 h, and ends Mon 14 Jun 09:00")]
    assert rota.told() == first
    rota.look()
    rota.restart()
    rota.at(NINE - HOUR / 2)
    assert rota.told() == first
    # Away over the hand-over.
    rota.restart()
    rota.at(NINE + timedelta(minutes=10))
    assert sorted(rota.told()[1:]) == [
        ("mail of M", "shift_begins", "Your shift begins now, and ends Mon 14 Jun 09:00"),
        ("push of U", "shift_ends", "Your shift has ended"),
    ]
    rota.at(NINE + 3 * HOUR)
    assert len(rota.told()) == 3


def test_two_that_keep_the_clock_for_a_moment_tell_once(rota: Rota) -> None:
    u, m = rota.hub.person("U", push=0), rota.hub.person("M", push=0)
    rota.schedule(u, m)
    rota.wants(m, 60)
    other = ScheduleNotices(rota.hub.workspace.url, rota.hub.base.feed)

    async def both() -> None:
        await asyncio.gather(*(each.work(rota.hub.now) for each in (rota.notices, other) * 3))

    rota.hub.base.run(both())
    rota.hub.base.run(other.close())
    assert len(rota.told()) == 1


def test_what_is_said_is_no_alert_and_is_given_up_when_it_is_old(rota: Rota) -> None:
    u, m = rota.hub.person("U", push=0), rota.hub.person("M", push=0, call=5)
    rota.hub.sql("UPDATE alert_destinations SET type = 'voice' WHERE name = 'call of M'")
    rota.schedule(u, m)
    rota.wants(m, 60)
    rota.look()
    (row,) = rota.hub.sql(
        "SELECT alert_id, tenant_id, alert_rule_id, status::text, reason, urgency::text, user_id,"
        " give_up_at, payload FROM alert_deliveries"
    )
    assert row[:7] == (None, None, None, "queued", "notice", "LOW", m)
    assert row[7] == NINE + HOUR
    content: Mapping[str, Any] = row[8]
    assert content["notice"]["title"] == "Primary, Mon 7 Jun 09:00 (UTC)"
    assert content["alert"] is None


def test_who_is_disabled_or_cannot_be_reached_is_told_nothing(rota: Rota) -> None:
    u, m = rota.hub.person("U", push=0), rota.hub.person("M", push=0)
    rota.schedule(u, m)
    rota.wants(m, 60)
    rota.hub.sql("UPDATE users SET is_active = false WHERE id = %s", m)
    rota.configured()
    rota.look()
    assert rota.told() == []


def test_gaps_are_told_once_a_day_to_admins_and_only_what_is_new(rota: Rota) -> None:
    admin(rota, "A", mail=0)
    u = rota.hub.person("U", push=0)
    schedule = rota.schedule(u)
    gone = (NINE + 30 * DAY, NINE + 30 * DAY + 2 * HOUR)
    rota.hub.workspace.insert(
        "schedule_overrides",
        id=uuid7(),
        workspace_id=rota.hub.workspace.id,
        schedule_id=schedule,
        kind="remove",
        starts_at=gone[0],
        ends_at=gone[1],
        user_id=u,
        author="ana",
    )
    rota.at(NINE - 2 * HOUR)
    assert rota.told() == []
    rota.at(NINE - HOUR)
    assert rota.told() == [("mail of A", "gaps", "2 h (Wed 7 Jul 09:00 to 11:00)")]
    rota.restart()
    rota.at(NINE + HOUR)
    rota.at(NINE + 3 * DAY)
    assert len(rota.told()) == 1
    rota.at(NINE + 24 * DAY)
    assert len(rota.told()) == 2, "once more in the week before"
    rota.at(NINE + 25 * DAY)
    assert len(rota.told()) == 2


def test_the_schedules_fallback_is_told_rather_than_admins(rota: Rota) -> None:
    admin(rota, "A", mail=0)
    ops = rota.hub.destination("ops")
    rota.schedule(fallback_destination_id=ops)
    f = rota.hub.person("F", push=0)
    rota.schedule(fallback_user_id=f, name="Secondary")
    rota.configured()
    rota.at(NINE)
    assert sorted(each[0] for each in rota.told()) == ["ops", "push of F"]


def test_where_no_admin_can_be_reached_the_workspaces_fallback_is_told(rota: Rota) -> None:
    admin(rota, "A")
    rota.hub.fallback()
    rota.schedule()
    rota.configured()
    rota.at(NINE)
    assert [each[0] for each in rota.told()] == ["fallback"]


def test_a_schedule_that_was_just_made_is_looked_at_the_next_day(rota: Rota) -> None:
    admin(rota, "A", mail=0)
    rota.schedule()
    rota.hub.sql("UPDATE schedules SET created_at = %s", NINE)
    rota.at(NINE + HOUR)
    assert rota.told() == []
    rota.at(NINE + DAY)
    assert len(rota.told()) == 1


def test_turns_of_somebody_who_is_disabled_are_gaps(rota: Rota) -> None:
    admin(rota, "A", mail=0)
    u, m = rota.hub.person("U", push=0), rota.hub.person("M", push=0)
    rota.schedule(u, m)
    rota.configured()
    rota.at(NINE)
    assert rota.told() == []
    rota.hub.sql("UPDATE users SET is_active = false WHERE id = %s", m)
    rota.configured()
    rota.at(NINE + DAY)
    ((contact, what, first),) = rota.told()
    assert (contact, what) == ("mail of A", "gaps")
    assert first.startswith("672 h (Mon 7 Jun 09:00 to Mon 14 Jun 09:00; Mon 21 Jun 09:00")
    ((text,),) = rota.hub.sql("SELECT payload #>> '{notice,text}' FROM alert_deliveries")
    assert "M is disabled and still on the schedule." in text
