"""Maintenance windows: what is held while something is worked on, and when that is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.model import Fault, OnEnd, Severity, WindowState, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import (
    Flag,
    Id,
    Input,
    JsonObject,
    LocalTime,
    Name,
    Output,
    Text,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
    unique,
)
from tocsin.resources.owned import owned, require_all
from tocsin.resources.rules import Matchers, TenantIds
from tocsin.routing.maintenance import MaintenanceWindow
from tocsin.routing.quiet_hours import instant, time_zone
from tocsin.routing.recurrence import Occurrence
from tocsin.routing.window_validation import (
    EXCEPTIONS_LIMIT,
    LONGEST_MINUTES,
    RULE_LIMIT,
    recurrence_of,
    validate_window,
)
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import StoredWindow, Tenant

Minutes = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=LONGEST_MINUTES,
        description="Elapsed time, also where clocks change meanwhile",
    ),
    Whole,
]
RecurrenceText = Annotated[
    str,
    StringConstraints(
        strict=True, min_length=1, max_length=RULE_LIMIT, pattern=r"^[A-Z0-9=;,+-]+$"
    ),
    Field(
        description="A rule of RFC 5545: FREQ (DAILY, WEEKLY or MONTHLY), INTERVAL, BYDAY, BYMONTHDAY, "
        "and UNTIL or COUNT. Null: it occurs once",
        examples=["FREQ=WEEKLY;BYDAY=TU"],
    ),
]
Exceptions = Annotated[
    list[LocalTime],
    Field(
        max_length=EXCEPTIONS_LIMIT,
        description="Starts (local) at which it does not occur",
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(unique),
]
Start = Annotated[LocalTime, Field(description="By the wall clock of `timezone`")]


class OccurrenceOut(Output):
    starts_at: Time
    ends_at: Time
    local_starts_at: LocalTime
    local_ends_at: LocalTime


class MaintenanceWindowOut(Output):
    id: Id
    workspace_id: Id
    name: str
    comment: str
    is_enabled: bool
    matchers: list[JsonObject]
    tenant_ids: Annotated[list[Id] | None, Field(description="null: all")]
    timezone: str
    starts_at: LocalTime
    duration_minutes: int
    rrule: str | None
    exdates: list[LocalTime]
    ended_at: Annotated[Time | None, Field(description="What had begun by then was ended early")]
    breakthrough_severity: Severity | None
    on_end: OnEnd
    author: str
    state: WindowState
    current: Annotated[OccurrenceOut | None, Field(description="The one that lasts now")]
    next: Annotated[OccurrenceOut | None, Field(description="The one after that")]
    created_at: Time
    updated_at: Time


class MaintenanceWindowIn(Input):
    name: Name
    comment: Text = ""
    is_enabled: Flag = True
    matchers: Annotated[Matchers, Field(default_factory=list)]
    tenant_ids: TenantIds | None = None
    timezone: Timezone = "UTC"
    starts_at: Annotated[
        LocalTime | None, Field(description="By the wall clock of `timezone`. Null: now")
    ] = None
    duration_minutes: Minutes
    rrule: RecurrenceText | None = None
    exdates: Annotated[Exceptions, Field(default_factory=list)]
    breakthrough_severity: Annotated[
        Severity | None, Field(description="Alerts at least this bad are sent despite it")
    ] = None
    on_end: Annotated[
        OnEnd, Field(description="Whether what is still open at the end is sent then")
    ] = OnEnd.NOTIFY_OPEN
    author: Annotated[Name | None, Field(description="Null: the name of the API key")] = None

    model_config = example(
        {
            "name": "Patch the databases",
            "matchers": [{"label": "host", "op": "=~", "value": "db-.*"}],
            "timezone": "Europe/Berlin",
            "starts_at": "2036-01-01T02:00:00",
            "duration_minutes": 120,
            "rrule": "FREQ=WEEKLY;BYDAY=TU",
            "breakthrough_severity": "CRITICAL",
        }
    )


class MaintenanceWindowPatch(Input):
    name: Name = left_out()
    comment: Text = left_out()
    is_enabled: Flag = left_out()
    matchers: Matchers = left_out()
    tenant_ids: TenantIds | None = None
    timezone: Timezone = left_out()
    starts_at: Start = left_out()
    duration_minutes: Minutes = left_out()
    rrule: RecurrenceText | None = None
    exdates: Exceptions = left_out()
    breakthrough_severity: Severity | None = None
    on_end: OnEnd = left_out()

    model_config = example({"duration_minutes": 180})

    def columns(self) -> dict[str, Any]:
        """What the request named, as the table keeps it."""
        return _columns(self.given())


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    if values.get("matchers"):
        values["matchers"] = [matcher.model_dump() for matcher in values["matchers"]]
    return values


def routed(row: StoredWindow) -> MaintenanceWindow:
    """As routing sees it."""
    return MaintenanceWindow.from_row(_stored(row))


def _stored(row: StoredWindow) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in StoredWindow.__table__.columns}


def shown_occurrence(occurrence: Occurrence, timezone: str) -> OccurrenceOut:
    zone = time_zone(timezone)
    return OccurrenceOut(
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        local_starts_at=occurrence.starts_at.astimezone(zone),
        local_ends_at=occurrence.ends_at.astimezone(zone),
    )


def state_of(row: StoredWindow, now: datetime) -> WindowState:
    if not row.is_enabled:
        return WindowState.DISABLED
    window = routed(row)
    if window.occurrence(now) is not None:
        return WindowState.ACTIVE
    return WindowState.PENDING if window.next(now, 1) else WindowState.EXPIRED


def show(row: StoredWindow, now: datetime) -> MaintenanceWindowOut:
    window = routed(row)
    current = window.occurrence(now) if row.is_enabled else None
    ahead = [each for each in window.next(now, 2) if each.starts_at > now]
    return MaintenanceWindowOut.model_validate(
        {
            **_stored(row),
            "state": state_of(row, now),
            "current": None if current is None else shown_occurrence(current, row.timezone),
            "next": shown_occurrence(ahead[0], row.timezone) if ahead else None,
        }
    )


_AS_IT_STANDS = frozenset({"state", "current", "next"})


def _kind(now: datetime) -> recording.Kind:
    return recording.Kind(
        "maintenance_window",
        lambda row: {
            name: value
            for name, value in show(row, now).document().items()
            if name not in _AS_IT_STANDS
        },
    )


def _schedule(row: StoredWindow, now: datetime) -> None:
    """Checks what is asked for, and works out when the window ends for good.

    Raises:
        InvalidRequest: it would hold everything, or nothing, or forever.
    """
    recurrence = recurrence_of(
        row.starts_at, row.timezone, row.duration_minutes, row.rrule, row.exdates
    )
    if faults := validate_window(row.matchers, row.tenant_ids, recurrence, now):
        raise InvalidRequest(faults)
    assert not isinstance(recurrence, str)
    row.last_starts_at = recurrence.last_start()


def _local_now(timezone: str, now: datetime) -> datetime:
    zone, second = time_zone(timezone), now.replace(microsecond=0)
    local = second.astimezone(zone).replace(tzinfo=None, fold=0)
    if instant(local, zone) != second:
        words = "the clock there shows this time twice; give starts_at, or UTC as timezone"
        raise InvalidRequest([Fault("/timezone", "ambiguous-now", words)])
    return local


def make(caller: Principal, body: MaintenanceWindowIn, now: datetime) -> StoredWindow:
    """A window as it is asked for, yet to be stored.

    Raises:
        InvalidRequest: it would hold everything, or nothing, or forever.
    """
    names = MaintenanceWindowIn.model_fields
    values = _columns({name: getattr(body, name) for name in names})
    row = StoredWindow(
        **{
            **values,
            "starts_at": body.starts_at or _local_now(body.timezone, now),
            "author": body.author or caller.name,
        },
        id=uuid7(),
        workspace_id=caller.workspace_id,
        ended_at=None,
        created_at=now,
        updated_at=now,
    )
    _schedule(row, now)
    return row


async def create(
    session: DatabaseSession, caller: Principal, row: StoredWindow, now: datetime
) -> None:
    """Stores a window that `make` made.

    Raises:
        MissingReference: a tenant that it names is not there.
    """
    await require_all(session, Tenant, caller, row.tenant_ids, "/tenant_ids")
    await recording.create(session, caller, _kind(now), row, now)


async def update(
    session: DatabaseSession,
    caller: Principal,
    window_id: UUID,
    body: MaintenanceWindowPatch,
    now: datetime,
) -> StoredWindow:
    values = body.columns()
    row = await owned(session, StoredWindow, caller, window_id)
    await require_all(session, Tenant, caller, values.get("tenant_ids"), "/tenant_ids")
    async with recording.changing(session, caller, _kind(now), row, now):
        recording.assign(row, values)
        if workspace_rows.is_changed(session, row):
            _schedule(row, now)
    return row


async def end(
    session: DatabaseSession, caller: Principal, window_id: UUID, now: datetime
) -> StoredWindow:
    """Ends the occurrence that lasts now; where none does, all stays as it is."""
    row = await owned(session, StoredWindow, caller, window_id)
    async with recording.changing(session, caller, _kind(now), row, now, action="ended"):
        if row.is_enabled and routed(row).occurrence(now) is not None:
            row.ended_at = now
    return row


async def delete(
    session: DatabaseSession, caller: Principal, window_id: UUID, now: datetime
) -> None:
    row = await owned(session, StoredWindow, caller, window_id)
    await recording.delete(session, caller, _kind(now), row, now)
