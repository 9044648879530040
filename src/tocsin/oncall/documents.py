"""Schedules as they are stored and sent: JSON documents, there and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from tocsin.oncall.schedule import (
    DAYS,
    Fallback,
    Layer,
    OnCallSchedule,
    Override,
    OverrideKind,
    Restriction,
    RestrictionMode,
    RotationUnit,
    ScheduleVersion,
    ShiftRotation,
)

Document = Mapping[str, Any]


def layer_document(layer: Layer) -> dict[str, Any]:
    turning = layer.rotation
    day = turning.handoff_day
    is_weekday = turning.unit is RotationUnit.WEEKLY
    return {
        "id": str(layer.id),
        "name": layer.name,
        "rotation": {
            "unit": turning.unit.value,
            "length": turning.length,
            "handoff_time": _clock(turning.handoff_time),
            "handoff_day": DAYS[day] if day is not None and is_weekday else day,
            "starts_on": turning.starts_on.isoformat(),
        },
        "participants": [[str(user) for user in entry] or None for entry in layer.participants],
        "restrictions": [_restriction_document(each) for each in layer.restrictions],
        "restriction_mode": layer.mode.value,
        "offset": layer.offset,
        "version": layer.version,
    }


def _restriction_document(restriction: Restriction) -> dict[str, Any]:
    end_day = restriction.end_day
    return {
        "days": [DAYS[day] for day in sorted(restriction.days)],
        "start": _clock(restriction.start),
        "end": _clock(restriction.end),
        "end_day": None if end_day is None else DAYS[end_day],
    }


def _clock(at: time) -> str:
    return at.isoformat("minutes")


def layer_from(document: Document) -> Layer:
    turning = document["rotation"]
    day = turning.get("handoff_day")
    return Layer(
        _id(document["id"]),
        document["name"],
        ShiftRotation(
            RotationUnit(turning["unit"]),
            turning["length"],
            time.fromisoformat(turning["handoff_time"]),
            date.fromisoformat(turning["starts_on"]),
            DAYS.index(day) if isinstance(day, str) else day,
        ),
        tuple(tuple(_id(user) for user in entry or ()) for entry in document["participants"]),
        tuple(_restriction(each) for each in document.get("restrictions") or ()),
        RestrictionMode(document.get("restriction_mode") or RestrictionMode.WALL),
        document.get("offset", 0),
        document.get("version", 1),
    )


def _restriction(document: Document) -> Restriction:
    end_day = document.get("end_day")
    return Restriction(
        frozenset(DAYS.index(day) for day in document["days"]),
        time.fromisoformat(document["start"]),
        time.fromisoformat(document["end"]),
        None if end_day is None else DAYS.index(end_day),
    )


def fallback_from(user: object, destination: object) -> Fallback | None:
    if user is None and destination is None:
        return None
    return Fallback(_optional_id(user), _optional_id(destination))


def version_from(document: Document) -> ScheduleVersion:
    return ScheduleVersion(
        _time(document["effective_from"]),
        document["timezone"],
        tuple(layer_from(each) for each in document["layers"]),
        fallback_from(document["fallback_user_id"], document["fallback_destination_id"]),
    )


def override_from(document: Document) -> Override:
    return Override(
        _id(document["id"]),
        OverrideKind(document["kind"]),
        _time(document["starts_at"]),
        _time(document["ends_at"]),
        _optional_id(document["user_id"]),
        _optional_id(document["substitute_user_id"]),
        _optional_id(document["layer_id"]),
        _optional_id(document["shift_swap_id"]),
    )


def schedule_from(
    id: UUID, versions: Iterable[Document], overrides: Sequence[Document]
) -> OnCallSchedule:
    return OnCallSchedule(
        id,
        tuple(version_from(each) for each in versions),
        tuple(override_from(each) for each in overrides),
    )


def _id(value: str | UUID) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _optional_id(value: Any) -> UUID | None:
    return None if value is None else _id(value)


def _time(value: str | datetime) -> datetime:
    # PostgreSQL's JSON has times with their offset; the sessions are in UTC.
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
