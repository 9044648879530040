"""Schedules as they are asked for and shown."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from tocsin.oncall.resolve import CauseKind
from tocsin.oncall.schedule import RestrictionMode, RotationUnit
from tocsin.oncall.validation import (
    LAYERS_LIMIT,
    LONGEST,
    PARTICIPANTS_LIMIT,
    RESTRICTIONS_LIMIT,
    TOGETHER_LIMIT,
)
from tocsin.resources.fields import (
    Flag,
    Id,
    Input,
    Name,
    Output,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
)
from tocsin.resources.rules import Day, WallTime


def _date(value: Any) -> date:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("must be a date, such as 2026-02-03")
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date that exists, such as 2026-02-03") from None
    if not 1970 <= found.year < 2200:
        raise ValueError("must be of the years from 1970 to 2199")
    return found


Date = Annotated[
    date,
    BeforeValidator(_date),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-02-03"]}),
]
DayOfMonth = Annotated[int, Field(strict=True, ge=1, le=31), Whole]


class RotationIn(Input):
    unit: RotationUnit
    length: Annotated[
        int,
        Field(
            strict=True, ge=1, le=max(LONGEST.values()), description="So many units make one turn"
        ),
        Whole,
    ] = 1
    handoff_time: Annotated[WallTime, Field(description="By the clock of the schedule's zone")]
    handoff_day: Annotated[
        Day | DayOfMonth | None,
        Field(
            description="Weekly: mon to sun. Monthly: 1 to 31; in a shorter month its last day. Null: "
            "that of starts_on"
        ),
    ] = None
    starts_on: Annotated[
        Date,
        Field(
            description="The first turn begins on this day at handoff_time; it is shorter where this "
            "is no day of a hand-over"
        ),
    ]


class RestrictionIn(Input):
    """A window that begins on each of these days, and belongs to that day. An end that is not later
    than the start is on the next day, or on `end_day`."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    start: WallTime
    end: WallTime
    end_day: Annotated[Day | None, Field(description="The next such day; null: at once")] = None


Entry = Annotated[list[Id], Field(min_length=1, max_length=TOGETHER_LIMIT)]
Restrictions = Annotated[
    list[RestrictionIn],
    Field(
        max_length=RESTRICTIONS_LIMIT,
        description="Only then does the layer have somebody; none: always",
    ),
]
ModeField = Annotated[
    RestrictionMode,
    Field(
        description="`wall`: the rotation turns regardless; `active`: days (or hours) without duty "
        "do not count"
    ),
]


class LayerIn(Input):
    id: Annotated[
        Id | None,
        Field(description="Of a layer that there is; null: that of the same name, or new"),
    ] = None
    name: Name
    rotation: RotationIn
    participants: Annotated[
        list[Entry | None],
        Field(
            max_length=PARTICIPANTS_LIMIT,
            description="In order: the users who have one turn together; null: nobody, on purpose",
        ),
    ]
    restrictions: Annotated[Restrictions, Field(default_factory=list)]
    restriction_mode: ModeField = RestrictionMode.WALL


class FallbackIn(Input):
    """Who is notified where nobody is on call: one of the two."""

    user_id: Id | None = None
    destination_id: Id | None = None


Layers = Annotated[
    list[LayerIn],
    Field(
        max_length=LAYERS_LIMIT, description="Where several have somebody, the last of them wins"
    ),
]

_EXAMPLE_LAYER = {
    "name": "Primary",
    "rotation": {
        "unit": "weekly",
        "handoff_time": "09:00",
        "handoff_day": "mon",
        "starts_on": "2026-01-05",
    },
    "participants": [],
}


class ScheduleIn(Input):
    name: Name
    timezone: Timezone
    fallback: FallbackIn | None = None
    layers: Layers

    model_config = example(
        {"name": "Platform", "timezone": "Europe/Vienna", "layers": [_EXAMPLE_LAYER]}
    )


class ChangeTime(StrEnum):
    """When a change begins to hold: at once, or when every shift that lasts now is over."""

    NOW = "now"
    NEXT_HANDOFF = "next_handoff"


class SchedulePatch(Input):
    name: Name = left_out()
    timezone: Timezone = left_out()
    fallback: FallbackIn | None = None
    layers: Layers = left_out()
    effective: Annotated[ChangeTime, Field(description="When it begins to hold")] = ChangeTime.NOW
    keep_on_call: Annotated[
        Flag,
        Field(
            description="Who is on call stays until the next hand-over; false: the first participant "
            "of each changed layer begins"
        ),
    ] = True

    model_config = example({"timezone": "Europe/Vienna"})


class RestrictionOut(Output):
    days: list[Day]
    start: str
    end: str
    end_day: Day | None


class RotationOut(Output):
    unit: RotationUnit
    length: int
    handoff_time: str
    handoff_day: Day | int | None
    starts_on: Date


class LayerOut(Output):
    id: Id
    name: str
    rotation: RotationOut
    participants: list[list[Id] | None]
    restrictions: list[RestrictionOut]
    restriction_mode: RestrictionMode
    version: Annotated[int, Field(description="How often it was changed, and once more")]


class FallbackOut(Output):
    user_id: Id | None
    destination_id: Id | None


class ScheduleOut(Output):
    id: Id
    workspace_id: Id
    name: str
    timezone: str
    fallback: FallbackOut | None
    layers: list[LayerOut]
    effective_from: Annotated[
        Time, Field(description="Since when this holds, or from when on; before, an older version")
    ]
    created_at: Time
    updated_at: Time


class CauseOut(Output):
    """Why somebody is on call: the turn of a layer; an override or a swap, then with who would have
    been; or that nobody is, which is what a fallback is for."""

    kind: CauseKind
    layer_id: Id | None
    layer: Annotated[str | None, Field(description="Its name")]
    turn: Annotated[int | None, Field(description="Of the layer, counted from 1")]
    override_id: Id | None
    swap_id: Id | None
    instead_of_user_id: Id | None


class ShiftOut(Output):
    starts_at: Time
    ends_at: Time
    user_id: Id | None
    destination_id: Annotated[Id | None, Field(description="Of the fallback, if it is none")]
    name: Annotated[str, Field(description="Of the user or the destination")]
    cause: CauseOut


class TimeSpanOut(Output):
    starts_at: Time
    ends_at: Time


class ShiftsOut(Output):
    timezone: str
    items: Annotated[
        list[ShiftOut],
        Field(description="In order, cut at the ends; several at once are on call together"),
    ]
    gaps: Annotated[
        list[TimeSpanOut], Field(description="Nobody is on call then, but for the fallback")
    ]


class OnCallOut(Output):
    at: Time
    items: Annotated[
        list[ShiftOut], Field(description="Whoever is on call, each until the shift ends")
    ]


class OnCallScheduleOut(Output):
    schedule_id: Id
    name: str
    on_call: list[ShiftOut]


class UserScheduleOut(Output):
    schedule_id: Id
    name: str
    until: Time
    cause: CauseKind


class OnCallUserOut(Output):
    user_id: Id
    name: str
    schedules: list[UserScheduleOut]


class WorkspaceOnCall(Output):
    at: Time
    items: Annotated[list[OnCallScheduleOut], Field(description="By schedule, by their names")]
    users: Annotated[list[OnCallUserOut], Field(description="The same by user")]
