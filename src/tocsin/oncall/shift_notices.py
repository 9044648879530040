"""Notices of shifts: who is notified before a shift of theirs begins, and when it has ended. Pure.

A shift here is all the time in which one person is on call without a break, whatever layers, overrides
and swaps it is made of; being the fallback is none. A notice is due at a moment, and late ones are still
made for a while: whoever keeps the clock was away, or the shift was given at short notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.model import EventType, iso
from tocsin.oncall.changes import moment_words, spelled_hours
from tocsin.oncall.resolve import CauseKind, Shift, resolve
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.oncall.spans import Span, merged

LATE = timedelta(hours=1)
"""So late is a notice still made; of a beginning also only until the shift is as old as that."""

_MARGIN = timedelta(minutes=1)
_LONGEST = timedelta(days=62)
"""So far the end of a shift that begins is looked for; one that ends later has no end in its notice."""


@dataclass(frozen=True, slots=True)
class ShiftNotices:
    """Of what one person wants to be notified: so long before each shift, and whether at its end."""

    before: tuple[timedelta, ...]
    at_end: bool


@dataclass(frozen=True, slots=True)
class ShiftNotice:
    """`at` is when the shift begins, or has ended; `until` the end of one that begins, if it is near.
    `others` are on call just before it, or just after. `key` is the same whenever it is made."""

    event_type: EventType
    user: UUID
    at: datetime
    lead: timedelta
    until: datetime | None
    others: tuple[UUID, ...]

    @property
    def key(self) -> str:
        return f"{self.user} {int(self.lead.total_seconds())} {iso(self.at)}"


def due_notices(
    schedule: OnCallSchedule, asked: Mapping[UUID, ShiftNotices], now: datetime
) -> list[ShiftNotice]:
    """The notices that are due at `now`, of those who asked for any; those of the last while, too."""
    leads = [lead for each in asked.values() for lead in each.before]
    span = Span(now - 2 * LATE, now + max(leads, default=timedelta()) + _MARGIN)
    shifts = resolve(schedule, *span)
    by_user = _by_user(shifts, asked)
    found = []
    for user, wanted in asked.items():
        for each in by_user.get(user, ()):
            if each.starts_at > span.starts_at and now < each.starts_at + LATE:
                found += _of_beginning(schedule, shifts, user, each, wanted, now)
            if wanted.at_end and now - LATE < each.ends_at <= now:
                others = _on_call(shifts, each.ends_at, user)
                found.append(
                    ShiftNotice(EventType.SHIFT_ENDS, user, each.ends_at, timedelta(), None, others)
                )
    return found


def _of_beginning(
    schedule: OnCallSchedule,
    shifts: list[Shift],
    user: UUID,
    shift: Span,
    wanted: ShiftNotices,
    now: datetime,
) -> list[ShiftNotice]:
    due = [lead for lead in wanted.before if now - LATE < shift.starts_at - lead <= now]
    if not due:
        return []
    others = _on_call(shifts, shift.starts_at - timedelta(microseconds=1), user)
    until = _end(schedule, user, shift.starts_at)
    # Of several that are due by now the last one says it all.
    return [ShiftNotice(EventType.SHIFT_BEGINS, user, shift.starts_at, min(due), until, others)]


def _end(schedule: OnCallSchedule, user: UUID, starts_at: datetime) -> datetime | None:
    horizon = starts_at + _LONGEST
    (shift, *_) = _by_user(resolve(schedule, starts_at, horizon), [user])[user]
    return shift.ends_at if shift.ends_at < horizon else None


def _by_user(shifts: Iterable[Shift], users: Iterable[UUID]) -> dict[UUID, list[Span]]:
    spans: dict[UUID, list[Span]] = {user: [] for user in users}
    for shift in shifts:
        if shift.user in spans and shift.cause.kind is not CauseKind.FALLBACK:
            spans[shift.user].append(Span(shift.starts_at, shift.ends_at))
    return {user: merged(each) for user, each in spans.items()}


def _on_call(shifts: Iterable[Shift], at: datetime, but: UUID) -> tuple[UUID, ...]:
    found = [
        shift.user
        for shift in shifts
        if shift.starts_at <= at < shift.ends_at
        and shift.user is not None
        and shift.user != but
        and shift.cause.kind is not CauseKind.FALLBACK
    ]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class NoticeWords:
    title: str
    text: str


def shift_words(
    notice: ShiftNotice, schedule: str, names: Mapping[UUID, str], timezone: str, now: datetime
) -> NoticeWords:
    """What a person reads, by the clock of their own zone."""
    zone = ZoneInfo(timezone)
    at = f"{moment_words(notice.at, zone)} ({timezone})"
    others = " and ".join(names.get(each, "somebody who has left") for each in notice.others)
    if notice.event_type is EventType.SHIFT_ENDS:
        after = f"{others} {_are(notice)} on call now." if others else "Nobody is on call now."
        return NoticeWords(f"{schedule}, {at}", f"Your shift has ended. {after}")
    when = f"in {spelled_hours(notice.at - now)}" if notice.at > now else "now"
    until = "" if notice.until is None else f", and ends {moment_words(notice.until, zone)}"
    before = f"{others} {_are(notice)} on call before." if others else "Nobody is on call before."
    return NoticeWords(f"{schedule}, {at}", f"Your shift begins {when}{until}. {before}")


def _are(notice: ShiftNotice) -> str:
    return "are" if len(notice.others) > 1 else "is"
