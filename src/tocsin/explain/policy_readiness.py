"""Whether an escalation policy would wake somebody, whoever is on call in the weeks to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.alerts.on_call_book import last_resort
from tocsin.explain.escalation_forecast import Ahead
from tocsin.explain.forecast_words import destination_name, target_name
from tocsin.model import TargetKind
from tocsin.oncall.policy_shapes import PolicyTarget
from tocsin.oncall.readiness import (
    SOON,
    LastPage,
    PersonReadiness,
    ReachedBy,
    Unready,
    readiness_of,
)
from tocsin.oncall.resolve import gaps, resolve
from tocsin.oncall.spans import Span
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.escalation_policies import last_pages
from tocsin.turns import aside

WEEKS = timedelta(weeks=4)
"""So far ahead schedules are asked who is on call."""

_GAP_SHOWN = "%a %d %b %H:%M"


@dataclass(frozen=True, slots=True)
class GapAhead:
    """A time for which a schedule of the policy names nobody, not even a fallback."""

    schedule: str
    timezone: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyReadiness:
    """`warnings`: what may leave somebody asleep; `notes`: what is worth knowing."""

    people: Sequence[PersonReadiness]
    gaps: Sequence[GapAhead]
    warnings: Sequence[str]
    notes: Sequence[str]

    @property
    def is_ready(self) -> bool:
        return not self.warnings


@dataclass(slots=True)
class _Reach:
    """Whom the steps can reach, by targets."""

    people: dict[UUID, list[ReachedBy]] = field(default_factory=dict)
    destinations: dict[UUID, int] = field(default_factory=dict)
    """With the step that reaches them first."""
    gaps: list[GapAhead] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


async def readiness(
    session: DatabaseSession, ahead: Ahead, now: datetime, rules: Sequence[str]
) -> PolicyReadiness:
    """`ahead` reaches to the end of the weeks that are looked at; `rules` are those that name it."""
    reach = _Reach()
    await aside(_reach(ahead, now, reach))
    contacts = {
        method.id: user_id
        for user_id in reach.people
        if (person := ahead.book.people.get(user_id)) is not None
        for method in person.contact_methods
    }
    pages = _newest(await last_pages(session, ahead.table.workspace_id, list(contacts)), contacts)
    people = [
        readiness_of(user_id, ahead.book.people.get(user_id), tuple(by), pages.get(user_id), now)
        for user_id, by in reach.people.items()
    ]
    people.sort(key=lambda person: (ahead.book.name(person.user_id), person.user_id))
    return PolicyReadiness(
        people,
        reach.gaps,
        [*_warnings(ahead, reach, people)],
        [*_notes(ahead, people, rules)],
    )


def _reach(ahead: Ahead, now: datetime, reach: _Reach) -> Iterator[None]:
    seen: set[UUID] = set()
    for place, step in enumerate(ahead.policy.steps):
        for target in step.targets:
            if target.type is TargetKind.USER:
                reach.people.setdefault(target.id, []).append(ReachedBy(place, target))
            elif target.type is TargetKind.DESTINATION:
                reach.destinations.setdefault(target.id, place)
            else:
                _reach_on_call(ahead, place, target, now, reach, is_new=target.id not in seen)
                seen.add(target.id)
            yield


def _reach_on_call(
    ahead: Ahead, place: int, target: PolicyTarget, now: datetime, reach: _Reach, *, is_new: bool
) -> None:
    found = ahead.schedules.get(target.id)
    if found is None:
        reach.gone.append(f"Step {place + 1} names {target_name(ahead, target)}.")
        return
    shifts = resolve(found.schedule, now, now + WEEKS)
    named: set[UUID] = set()
    for shift in shifts:
        if shift.user is not None and shift.user not in named:
            named.add(shift.user)
            by = ReachedBy(place, target, shift.starts_at)
            reach.people.setdefault(shift.user, []).append(by)
        elif shift.destination is not None:
            reach.destinations.setdefault(shift.destination, place)
    if is_new and not any(version.fallback for version in found.schedule.versions):
        reach.gaps += [
            GapAhead(found.name, found.timezone, gap.starts_at, gap.ends_at)
            for gap in gaps(found.schedule, shifts, Span(now, now + WEEKS))
        ]


def _newest(
    sent: Mapping[UUID, datetime], contacts: Mapping[UUID, UUID]
) -> Mapping[UUID, LastPage]:
    """By user, of what was sent last to each contact method."""
    found: dict[UUID, LastPage] = {}
    for contact, at in sorted(sent.items(), key=lambda each: each[1]):
        found[contacts[contact]] = LastPage(at, contact)
    return found


def unready_words(ahead: Ahead, person: PersonReadiness) -> str | None:
    name = ahead.book.name(person.user_id)
    match person.unready:
        case None:
            return None
        case Unready.USER_REMOVED:
            return f"{name} is no member of the workspace any more."
        case Unready.USER_DISABLED:
            return f"{name} is disabled."
        case Unready.NO_CONTACT:
            return f"{name} has no verified contact method."
        case Unready.LATE:
            assert person.first_page is not None
            minutes = person.first_page // timedelta(minutes=1)
            soon = SOON // timedelta(minutes=1)
            return f"{name} is paged for the first time after {minutes} minutes; {soon} at most."


def _warnings(ahead: Ahead, reach: _Reach, people: Sequence[PersonReadiness]) -> Iterator[str]:
    for person in people:
        if (words := unready_words(ahead, person)) is not None:
            yield words
    for id, place in reach.destinations.items():
        found = ahead.table.destinations.get(id)
        if found is None or not found.is_enabled:
            name = destination_name(ahead, id)
            yield f"Step {place + 1} notifies {name}, which is {'gone' if found is None else 'off'}."
    yield from reach.gone
    by_schedule: dict[str, list[GapAhead]] = {}
    for gap in reach.gaps:
        by_schedule.setdefault(gap.schedule, []).append(gap)
    for name, found_gaps in by_schedule.items():
        yield _gap_words(name, found_gaps)
    if last_resort(ahead.policy, ahead.table) is None:
        yield (
            "If nobody answers, nobody else is notified: give the policy or the workspace a "
            "destination for that."
        )


def _gap_words(name: str, found: Sequence[GapAhead]) -> str:
    first = found[0]
    zone = ZoneInfo(first.timezone)
    begin, end = first.starts_at.astimezone(zone), first.ends_at.astimezone(zone)
    more = f", and {len(found) - 1} times more in four weeks" if len(found) > 1 else ""
    return (
        f"Nobody is on call in {name} from {begin:{_GAP_SHOWN}} to {end:{_GAP_SHOWN}}"
        f" ({first.timezone}){more}."
    )


def _notes(ahead: Ahead, people: Sequence[PersonReadiness], rules: Sequence[str]) -> Iterator[str]:
    if not rules:
        yield "No alert rule names it, so it never begins."
    able = [person for person in people if person.unready is None]
    if len(able) == 1 and len(ahead.policy.steps) > 1:
        yield f"{ahead.book.name(able[0].user_id)} is the only person it can reach."
    for person in able:
        if person.last_page is None:
            name = ahead.book.name(person.user_id)
            yield f"No page has reached {name} yet: a test shows whether one would."
