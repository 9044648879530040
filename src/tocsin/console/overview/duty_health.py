"""Of the health strip: whether those who are to be paged can be, and somebody always is on call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.alerts.directory import Directory
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.explain.escalation_forecast import NamedSchedule
from tocsin.model import TargetKind
from tocsin.oncall.contacts import unreachable
from tocsin.oncall.resolve import gaps, resolve
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import is_too_much
from tocsin.resources import schedules
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.schedules import schedules_of
from tocsin.turns import aside

AHEAD = timedelta(days=14)
_KEPT_FOR = timedelta(minutes=5)
_MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class DutyGap:
    """A time for which a schedule names nobody, not even a fallback."""

    schedule_id: UUID
    schedule: str
    timezone: str
    span: Span


@dataclass(slots=True)
class DutyAhead:
    """Of one workspace, from now on for `AHEAD`. `people`: whoever can be paged by a policy or is on
    call; `unreached` of them, by name, no page would reach. Gaps in order of time."""

    people: set[UUID] = field(default_factory=set)
    unreached: Sequence[str] = ()
    schedules: int = 0
    gaps: list[DutyGap] = field(default_factory=list)


def look_ahead(
    found: Mapping[UUID, NamedSchedule], book: OnCallBook, now: datetime, duty: DutyAhead
) -> Iterator[None]:
    """Fills `duty` in, a schedule at a step."""
    span = Span(now, now + AHEAD)
    for policy in book.policies.values():
        for step in policy.steps:
            duty.people |= {each.id for each in step.targets if each.type is TargetKind.USER}
    for id, each in found.items():
        duty.schedules += 1
        if is_too_much(each.schedule, span):
            continue
        shifts = resolve(each.schedule, *span)
        duty.people |= {shift.user for shift in shifts if shift.user is not None}
        if not any(version.fallback for version in each.schedule.versions):
            duty.gaps += [
                DutyGap(id, each.name, each.timezone, gap)
                for gap in gaps(each.schedule, shifts, span)
            ]
        yield
    duty.gaps.sort(key=lambda gap: (gap.span.starts_at, gap.schedule))
    duty.unreached = sorted(
        book.name(id)
        for id in duty.people
        if (person := book.people.get(id)) is None or unreachable(person) is not None
    )


@dataclass(slots=True)
class DutyKept:
    """Of the workspaces that were looked at last: it takes a while, and only changes with the
    configuration and with time."""

    of_workspace: OrderedDict[UUID, tuple[int, datetime, DutyAhead]] = field(
        default_factory=OrderedDict
    )

    async def read(
        self, session: DatabaseSession, workspace_id: UUID, directory: Directory, now: datetime
    ) -> DutyAhead:
        kept = self.of_workspace.get(workspace_id)
        if kept is not None and kept[0] == directory.version and now - kept[1] < _KEPT_FOR:
            return kept[2]
        book = directory.on_call.get(workspace_id, OnCallBook())
        rows = await schedules_of(session, workspace_id)
        loaded = await schedules.load_all(
            session, workspace_id, [row.id for row in rows], now, now + AHEAD
        )
        named = {row.id: NamedSchedule(row.name, row.timezone, loaded[row.id]) for row in rows}
        duty = DutyAhead()
        await aside(look_ahead(named, book, now, duty))
        self.of_workspace[workspace_id] = (directory.version, now, duty)
        self.of_workspace.move_to_end(workspace_id)
        while len(self.of_workspace) > _MOST_KEPT:
            self.of_workspace.popitem(last=False)
        return duty
