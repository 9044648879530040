"""When the next ping of a heartbeat is expected. Pure; the one file that uses cronsim and oncalendar.

An interval counts seconds in UTC and knows no daylight saving. Cron and calendar expressions are read
by the clocks of their timezone, and only what comes out is turned into UTC. On the night of a change
they differ, as their models do: a cron time in the hour that is left out comes at the first moment
after the gap (as Debian's cron has it), a calendar time skips the day (as systemd has it); in the hour
that comes twice both take the first pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from oncalendar import OnCalendar, OnCalendarError

from tocsin.model import Fault

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=366)
"""Of a period, and of a grace."""

EXPRESSIONS = 10
EXPRESSION_LENGTH = 200

_CRON_FIELDS = 5
_EARLY_SHARE = 10
"""A ping may come this part of a period, or the grace if that is less, before its time."""


class ScheduleKind(StrEnum):
    INTERVAL = "interval"
    CRON = "cron"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class PingSchedule:
    """`period` is for the kind `interval`, `expressions` and `timezone` are for the others: one
    expression of cron, one or several of systemd's OnCalendar."""

    kind: ScheduleKind
    period: timedelta | None = None
    expressions: tuple[str, ...] = ()
    timezone: str = "UTC"

    def following(self, at: datetime) -> datetime | None:
        """The first time of the schedule after `at`; None if there will be none."""
        if self.kind is ScheduleKind.INTERVAL:
            assert self.period is not None
            return at + self.period
        local = at.astimezone(ZoneInfo(self.timezone))
        try:
            if self.kind is ScheduleKind.CRON:
                found = next(CronSim(self.expressions[0], local))
            else:
                found = next(OnCalendar("\n".join(self.expressions), local))
        except StopIteration:
            return None
        return found.astimezone(UTC)

    def expected(
        self, pinged_at: datetime, grace: timedelta, began_at: datetime | None = None
    ) -> datetime | None:
        """When the ping after that of `pinged_at` is expected.

        A machine whose clock runs a little ahead pings a little before its time: such a ping is taken
        for the one of that time, not of the time before. A run that began earlier (`began_at`) is one
        of the time before that took long.
        """
        slot = self.following(pinged_at)
        if slot is None or self.kind is ScheduleKind.INTERVAL:
            return slot
        next_slot = self.following(slot)
        if next_slot is None:
            return slot
        early = min(grace, (next_slot - slot) / _EARLY_SHARE)
        if slot - pinged_at > early or (began_at is not None and slot - began_at > early):
            return slot
        return next_slot


def faults_of(schedule: PingSchedule, now: datetime) -> list[Fault]:
    """What keeps a schedule from being one, field by field."""
    if schedule.kind is ScheduleKind.INTERVAL:
        if schedule.period is None:
            return [Fault("/period_seconds", "required", "an interval needs its length")]
        if schedule.expressions:
            message = "an interval has no expressions; its length is period_seconds"
            return [Fault("/expressions", "not-taken", message)]
        return []
    faults = []
    if schedule.period is not None:
        message = f"{schedule.kind} goes by expressions, not by a period"
        faults.append(Fault("/period_seconds", "not-taken", message))
    if not schedule.expressions:
        return [*faults, Fault("/expressions", "required", f"{schedule.kind} needs an expression")]
    if schedule.kind is ScheduleKind.CRON and len(schedule.expressions) > 1:
        return [*faults, Fault("/expressions/1", "not-taken", "cron has one expression")]
    for place, expression in enumerate(schedule.expressions):
        if (reason := _unreadable(schedule, expression, now)) is not None:
            faults.append(Fault(f"/expressions/{place}", "invalid", reason))
    if not faults and schedule.following(now) is None:
        faults.append(Fault("/expressions", "never", "there is no such time any more"))
    return faults


def _unreadable(schedule: PingSchedule, expression: str, now: datetime) -> str | None:
    local = now.astimezone(ZoneInfo(schedule.timezone))
    try:
        if schedule.kind is ScheduleKind.CRON:
            if len(expression.split()) != _CRON_FIELDS:
                return "must have five fields: minute, hour, day of month, month, day of week"
            next(CronSim(expression, local))
        else:
            next(OnCalendar(expression, local))
    except (CronSimError, OnCalendarError) as error:
        return f"cannot be read: {error}"
    except StopIteration:
        return None if schedule.kind is ScheduleKind.CALENDAR else "there is no such time"
    return None


def described(schedule: PingSchedule) -> str:
    """For people: `every 5m`, `cron 30 2 * * * (Europe/Vienna)`."""
    if schedule.kind is ScheduleKind.INTERVAL:
        assert schedule.period is not None
        return f"every {spelled(schedule.period)}"
    return f"{schedule.kind} {'; '.join(schedule.expressions)} ({schedule.timezone})"


def spelled(span: timedelta) -> str:
    """A span of time as people write it: `1d12h`, `90s`."""
    rest = round(span.total_seconds())
    if rest < 120:
        return f"{rest}s"
    parts: list[str] = []
    for unit, seconds in _UNITS:
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2])


_UNITS: Sequence[tuple[str, int]] = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
