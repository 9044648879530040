"""Who is on call, asked for in a transaction of alerts: by what it sees, not by what was cached."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.oncall.cause_words import cause_words
from tocsin.oncall.documents import schedule_from
from tocsin.oncall.policy import OnDuty
from tocsin.oncall.resolve import on_call
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe, Row
from tocsin.store.statements import prepared

_INSTANT = timedelta(microseconds=1)


async def who_is_on_call(
    pipe: Pipe, schedule_ids: Collection[UUID], at: datetime
) -> Mapping[UUID, Sequence[OnDuty]]:
    """By schedule; a schedule that is gone is left out. Of a schedule that reaches nobody the list is
    empty.

    Raises:
        psycopg.Error: the database went away.
    """
    if not schedule_ids:
        return {}
    (rows,) = await pipe.run(schedules_call(schedule_ids, at))
    return on_call_of(rows, at)


def schedules_call(schedule_ids: Collection[UUID], at: datetime) -> Call:
    """What reads the schedules, to be run together with other statements."""
    return prepared("read_schedules"), {
        "ids": arrays.uuids([each.bytes for each in schedule_ids]),
        "since": at,
        "until": at + _INSTANT,
    }


def on_call_of(rows: Sequence[Row], at: datetime) -> Mapping[UUID, Sequence[OnDuty]]:
    """What the rows of `schedules_call` say."""
    return {row.id: on_duty(schedule_from(row.id, row.versions, row.overrides), at) for row in rows}


def on_duty(schedule: OnCallSchedule, at: datetime) -> Sequence[OnDuty]:
    """Whom it names then, and why."""
    return [
        OnDuty(each.user, each.destination, cause_words(each.cause, schedule))
        for each in on_call(schedule, at)
    ]
