"""Who is on call, told the slow way: a walk through every minute.

It knows no arithmetic of time zones: it reads what the clock on the wall shows, minute by minute, and
notes when each time was shown first and last, and when the clock was put forward.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.oncall.resolve import CauseKind
from tocsin.oncall.schedule import (
    Layer,
    OnCallSchedule,
    Override,
    OverrideKind,
    Restriction,
    RestrictionMode,
    RotationUnit,
    ScheduleVersion,
)

MINUTE = timedelta(minutes=1)
UNITS = {
    RotationUnit.HOURS: timedelta(hours=1),
    RotationUnit.DAILY: timedelta(days=1),
    RotationUnit.WEEKLY: timedelta(days=7),
}

OnCall = frozenset[tuple[UUID | None, CauseKind]]


@cache
def wall_of(zone: str, begin: datetime, end: datetime) -> Wall:
    return Wall(zone, begin, end)


class Wall:
    """What the clock of a zone showed from `begin` to `end`."""

    def __init__(self, zone: str, begin: datetime, end: datetime) -> None:
        self.first: dict[datetime, datetime] = {}
        self.last: dict[datetime, datetime] = {}
        self.shown: dict[datetime, datetime] = {}
        self.left_out: list[tuple[datetime, datetime, datetime]] = []
        clock = ZoneInfo(zone)
        at, before = begin, None
        while at < end:
            local = at.astimezone(clock).replace(tzinfo=None, fold=0)
            self.shown[at] = local
            self.first.setdefault(local, at)
            self.last[local] = at
            if before is not None and local > before + MINUTE:
                self.left_out.append((before + MINUTE, local, at))
            at, before = at + MINUTE, local
        assert before is not None
        self.end = before - timedelta(days=2)

    def begin_of(self, local: datetime) -> datetime | None:
        return self.first.get(local) or self._moved(local)

    def end_of(self, local: datetime) -> datetime | None:
        return self.last.get(local) or self._moved(local)

    def _moved(self, local: datetime) -> datetime | None:
        for begin, end, at in self.left_out:
            if begin <= local < end:
                return at + (local - begin)
        return None


def handoffs(layer: Layer, wall: Wall) -> Iterator[datetime]:
    """The local (or, for elapsed hours, instant) times of hand-over, the first before all others."""
    turning = layer.rotation
    begin = datetime.combine(turning.starts_on, turning.handoff_time)
    local = begin
    if turning.unit is RotationUnit.WEEKLY and turning.handoff_day is not None:
        while local.weekday() != turning.handoff_day:
            local -= timedelta(days=1)
    unit = UNITS[turning.unit]
    count = 0
    while True:
        counts = True
        if (
            layer.mode is RestrictionMode.ACTIVE
            and layer.restrictions
            and unit < UNITS[RotationUnit.WEEKLY]
        ):
            counts = any(
                in_any_window(layer.restrictions, local + MINUTE * minute)
                for minute in range(unit // MINUTE)
            )
        if counts:
            if count % turning.length == 0:
                yield local
            count += 1
        local += unit


def in_any_window(restrictions: tuple[Restriction, ...], local: datetime) -> bool:
    """By the clock on the wall alone."""
    midnight = datetime.combine(local.date(), datetime.min.time())
    for back in range(8):
        day = midnight - timedelta(days=back)
        for each in restrictions:
            if day.weekday() in each.days:
                start, end = window_of(each, day)
                if start <= local < end:
                    return True
    return False


def window_of(each: Restriction, day: datetime) -> tuple[datetime, datetime]:
    start = datetime.combine(day.date(), each.start)
    end = datetime.combine(day.date(), each.end)
    while end <= start or (each.end_day is not None and end.weekday() != each.end_day):
        end += timedelta(days=1)
    return start, end


def turn_at(at: datetime, boundaries: list[datetime]) -> int:
    """How many hand-overs there were: the first one yet to come ends the turn that lasts."""
    return bisect_right(boundaries, at) - 1


def boundaries_of(layer: Layer, wall: Wall, until: datetime) -> list[datetime]:
    turning = layer.rotation
    by_elapsed_time = (
        turning.unit is RotationUnit.HOURS
        and 24 % turning.length != 0
        and not (layer.mode is RestrictionMode.ACTIVE and layer.restrictions)
    )
    found: list[datetime] = []
    for local in handoffs(layer, wall):
        if by_elapsed_time and found:
            instant = found[-1] + timedelta(hours=turning.length)
        else:
            if local > wall.end:  # later than anything that is asked
                return [*accumulate([*found, until + timedelta(days=999)], max)]
            known = wall.begin_of(local)
            assert known is not None, local
            instant = known
        found.append(instant)
        if instant > until + timedelta(days=2):
            return [*accumulate(found, max)]
    raise AssertionError


def duty_minutes(layer: Layer, wall: Wall, begin: datetime, end: datetime) -> set[datetime]:
    found: set[datetime] = set()
    first = datetime.combine(begin.date(), datetime.min.time()) - timedelta(days=9)
    for number in range((end - begin).days + 13):
        day = first + timedelta(days=number)
        for each in layer.restrictions:
            if day.weekday() not in each.days:
                continue
            start, stop = window_of(each, day)
            since, until = wall.begin_of(start), wall.end_of(stop)
            assert since is not None
            assert until is not None
            found.update(minutes(max(since, begin), min(until, end)))
    return found


class SlowSchedule:
    def __init__(self, schedule: OnCallSchedule, begin: datetime, until: datetime) -> None:
        """For this time; rotations begin at most two weeks before it."""
        self.schedule = schedule
        self.layers = {}
        for number, version in enumerate(schedule.versions):
            leeway = timedelta(days=25)
            wall = wall_of(version.timezone, begin - leeway, until + leeway)
            for layer in version.layers:
                self.layers[number, layer.id] = (
                    wall,
                    boundaries_of(layer, wall, until),
                    duty_minutes(layer, wall, begin, until) if layer.restrictions else None,
                )

    def on_call(self, at: datetime) -> OnCall:
        number = -1
        for each, version in enumerate(self.schedule.versions):
            if version.effective_from <= at:
                number = each
        if number < 0:
            return frozenset()
        version = self.schedule.versions[number]
        found: dict[UUID, CauseKind] = {}
        for layer in version.layers:
            of_layer = self._of_layer(number, version, layer, at)
            for override in self.schedule.overrides:
                if override.layer == layer.id:
                    _override(of_layer, override, at)
            found = of_layer or found
        for override in self.schedule.overrides:
            if override.layer is None:
                _override(found, override, at)
        fallback = version.fallback
        if not found and fallback is not None:
            return frozenset({(fallback.user, CauseKind.FALLBACK)})
        return frozenset(found.items())

    def _of_layer(
        self, number: int, version: ScheduleVersion, layer: Layer, at: datetime
    ) -> dict[UUID, CauseKind]:
        wall, boundaries, duty = self.layers[number, layer.id]
        turning = layer.rotation
        begin = wall.begin_of(datetime.combine(turning.starts_on, turning.handoff_time))
        assert begin is not None
        if at < begin or (duty is not None and at not in duty):
            return {}
        turn = turn_at(at, boundaries)
        entry = layer.participants[(turn + layer.offset) % len(layer.participants)]
        return dict.fromkeys(entry, CauseKind.LAYER)


def _override(found: dict[UUID, CauseKind], override: Override, at: datetime) -> None:
    if not override.starts_at <= at < override.ends_at:
        return
    coming, leaving = override.substitute, override.user
    if override.kind is OverrideKind.COVER:
        found.clear()
    elif override.kind is not OverrideKind.ADD:
        if leaving not in found:
            return
        del found[leaving]
    if coming is not None:
        found.setdefault(coming, CauseKind.OVERRIDE if override.swap is None else CauseKind.SWAP)


def minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    at = begin.astimezone(UTC)
    while at < end:
        yield at
        at += MINUTE
