"""The overview of a workspace: what came when, what was noise, who was paged at night, how fast messages
went. Counted of the newest alerts and messages, so that it takes no longer where there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from tocsin.explain.noise_coach import Advice, RuleTally, advise
from tocsin.explain.preview import SOON
from tocsin.model import Severity
from tocsin.resources.fields import Id, JsonObject, Output, Time
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.overview import (
    MOST_COUNTED,
    Counted,
    Names,
    count_recent,
    names_of_counted,
)

MOST_DAYS = 90
NIGHT_BEGINS, NIGHT_ENDS = 22, 7
_STEPS = ((timedelta(days=2), 3_600), (timedelta(days=14), 6 * 3_600))
_LONGEST_STEP = 86_400


class TimeOut(Output):
    begins_at: Time
    counts: Annotated[dict[Severity, int], Field(description="New alerts, by severity")]


class SpeedOut(Output):
    """In seconds since an alert was triggered; null where there is none."""

    half: Annotated[float | None, Field(description="Half took no longer")]
    nine_tenths: Annotated[float | None, Field(description="Nine in ten took no longer")]


class SeverityTotals(Output):
    severity: Annotated[Severity | None, Field(description="null: all together")]
    count: int
    taken: Annotated[int, Field(description="Acknowledged at least once")]
    over: int
    by_itself: Annotated[int, Field(description="Over without anybody having acknowledged it")]
    acknowledged_after: SpeedOut
    over_after: SpeedOut


class NoisyOut(Output):
    source: str
    count: int
    over_soon: Annotated[int, Field(description=f"Over within {SOON.seconds // 60} minutes")]
    taken: int


class NoisyTitle(NoisyOut):
    title: str


class NoisySource(NoisyOut):
    integration_id: Id


class PagedPerson(Output):
    user_id: Id
    name: str
    pages: int
    at_night: Annotated[
        int,
        Field(
            description=f"Between {NIGHT_BEGINS}:00 and {NIGHT_ENDS:02}:00 by the clock where they are"
        ),
    ]
    nights: Annotated[int, Field(description="Nights with at least one page")]


class DestinationSpeed(Output):
    """In seconds from the decision to the message; of what nothing held back."""

    alert_destination_id: Id
    name: str
    sent: int
    failed: int
    half: float | None
    ninety_nine: Annotated[float | None, Field(description="99 of 100 took no longer")]


class AdviceOut(Output):
    alert_rule_id: Id
    name: str
    notified: Annotated[int, Field(description="Of so many alerts it notified")]
    spared: Annotated[int, Field(description="Of so many it would not have, with the wait")]
    within_minutes: int
    wait_minutes: int
    change: Annotated[JsonObject, Field(description="For PATCH /alert-rules/{id}")]
    undo: Annotated[JsonObject, Field(description="What takes it back")]


class OverviewOut(Output):
    since: Time
    until: Time
    counted_since: Annotated[
        Time,
        Field(
            description=f"Of the newest {MOST_COUNTED:,} alerts and as many messages: older ones of "
            "these days are not counted"
        ),
    ]
    step_seconds: int
    items: Annotated[list[TimeOut], Field(description="Alerts over time, oldest first")]
    totals: SeverityTotals
    severities: list[SeverityTotals]
    noisiest_alerts: list[NoisyTitle]
    noisiest_sources: list[NoisySource]
    people: Annotated[list[PagedPerson], Field(description="Those paged most at night first")]
    destinations: list[DestinationSpeed]
    advice: list[AdviceOut]


async def look(
    session: DatabaseSession, workspace_id: UUID, days: int, now: datetime
) -> OverviewOut:
    """The last so many days."""
    since = now - timedelta(days=days)
    counted = await count_recent(session, workspace_id, since, SOON.total_seconds())
    names = await names_of_counted(
        session,
        workspace_id,
        _ids(counted.rules, "alert_rule_id"),
        _ids(counted.destinations, "alert_destination_id"),
        _ids(counted.pages, "user_id"),
    )
    begins = counted_since(counted, since)
    step = step_for(now - begins)
    by_severity = {each["severity"]: _totals(each) for each in counted.severities}
    return OverviewOut(
        since=since,
        until=now,
        counted_since=begins,
        step_seconds=step,
        items=over_time(counted.times, begins, now, step),
        totals=by_severity.get(None) or _no_totals(),
        severities=[by_severity[each] for each in Severity if each in by_severity],
        noisiest_alerts=[NoisyTitle(**each) for each in counted.titles],
        noisiest_sources=[NoisySource(**each) for each in counted.sources],
        people=paged_people(counted.pages, names),
        destinations=[
            DestinationSpeed(
                alert_destination_id=each["alert_destination_id"],
                name=names.destinations.get(UUID(each["alert_destination_id"]), "deleted"),
                sent=each["sent"],
                failed=each["failed"],
                half=_at(each["after"], 0),
                ninety_nine=_at(each["after"], 1),
            )
            for each in counted.destinations
        ],
        advice=[_advice(each) for each in advise(_notified(counted.rules, names))],
    )


def counted_since(counted: Counted, since: datetime) -> datetime:
    """From when on all alerts and messages were counted."""
    begins = since
    for count, oldest in (
        (counted.alerts, counted.alerts_since),
        (counted.messages, counted.messages_since),
    ):
        if count >= MOST_COUNTED and oldest is not None:
            begins = max(begins, oldest)
    return begins


def step_for(length: timedelta) -> int:
    """In seconds: so many that the steps can be told apart, and are enough to see something."""
    return next((step for most, step in _STEPS if length <= most), _LONGEST_STEP)


def over_time(
    hours: Sequence[Mapping[str, Any]], since: datetime, until: datetime, step: int
) -> list[TimeOut]:
    """Every step from beginning to end, also those in which nothing came."""
    first, last = (int(each.timestamp()) // step * step for each in (since, until))
    counts: dict[int, Counter[Severity]] = {at: Counter() for at in range(first, last + 1, step)}
    for each in hours:
        found = counts.get(each["at"] // step * step)
        if found is not None:
            found[Severity(each["severity"])] += each["count"]
    return [
        TimeOut(begins_at=datetime.fromtimestamp(at, UTC), counts=dict(found))
        for at, found in counts.items()
    ]


def paged_people(pages: Sequence[Mapping[str, Any]], names: Names) -> list[PagedPerson]:
    """A night is that of the person's own clock, and named by the day on which it began."""
    every, night = Counter[UUID](), Counter[UUID]()
    nights: dict[UUID, set[Any]] = {}
    for each in pages:
        user_id = UUID(each["user_id"])
        every[user_id] += each["count"]
        _, zone = names.users.get(user_id, ("", "UTC"))
        local = datetime.fromtimestamp(each["at"], ZoneInfo(zone))
        if local.hour >= NIGHT_BEGINS or local.hour < NIGHT_ENDS:
            night[user_id] += each["count"]
            nights.setdefault(user_id, set()).add((local - timedelta(hours=NIGHT_ENDS)).date())
    found = [
        PagedPerson(
            user_id=user_id,
            name=names.users.get(user_id, ("deleted", ""))[0],
            pages=count,
            at_night=night[user_id],
            nights=len(nights.get(user_id, ())),
        )
        for user_id, count in every.items()
    ]
    return sorted(found, key=lambda each: (-each.at_night, -each.pages, each.name))


def _notified(rules: Sequence[Mapping[str, Any]], names: Names) -> list[RuleTally]:
    """Of the rules that are there still, and in force."""
    found = []
    for each in rules:
        row = names.rules.get(UUID(each["alert_rule_id"]))
        if row is not None and row.is_enabled:
            within = {minutes: each[f"over_{minutes}"] for minutes in (1, 3, 5, 10)}
            found.append(
                RuleTally(
                    row.id,
                    row.name,
                    each["notified"],
                    within,
                    row.group_by,
                    row.group_wait_seconds,
                )
            )
    return found


def _advice(each: Advice) -> AdviceOut:
    return AdviceOut(
        alert_rule_id=each.rule_id,
        name=each.name,
        notified=each.notified,
        spared=each.spared,
        within_minutes=each.within_minutes,
        wait_minutes=each.wait_minutes,
        change=dict(each.change),
        undo=dict(each.undo),
    )


def _totals(each: Mapping[str, Any]) -> SeverityTotals:
    severity = each["severity"]
    return SeverityTotals(
        severity=None if severity is None else Severity(severity),
        count=each["count"],
        taken=each["taken"],
        over=each["over"],
        by_itself=each["by_itself"],
        acknowledged_after=_speed(each["taken_after"]),
        over_after=_speed(each["over_after"]),
    )


def _no_totals() -> SeverityTotals:
    nothing = SpeedOut(half=None, nine_tenths=None)
    return SeverityTotals(
        severity=None,
        count=0,
        taken=0,
        over=0,
        by_itself=0,
        acknowledged_after=nothing,
        over_after=nothing,
    )


def _speed(found: Sequence[float] | None) -> SpeedOut:
    return SpeedOut(half=_at(found, 0), nine_tenths=_at(found, 1))


def _at(found: Sequence[float] | None, place: int) -> float | None:
    return None if found is None or found[place] is None else round(found[place], 3)


def _ids(found: Sequence[Mapping[str, Any]], name: str) -> list[UUID]:
    return list({UUID(each[name]) for each in found if each[name]})
