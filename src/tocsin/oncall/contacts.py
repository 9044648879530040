"""How one person is paged: by which of their contact methods, and how long after the page began.

Their notification rules say so, one list for each urgency. What is in them and cannot be used (not
verified, disabled, deleted) is passed over; where that leaves nothing, or there is no rule, every usable
contact method is paged at once, because a person without rules must not be silent. Quiet hours only
move pages of low urgency, to their end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from tocsin.model import Urgency
from tocsin.oncall.shift_notices import ShiftNotices

AT_ONCE = timedelta(0)

QuietUntil = Callable[[datetime], datetime | None]
"""Until when it is quiet at a moment, which is later; None: it is not."""


class PageReason(StrEnum):
    """Why a page goes by this contact method at this time."""

    NOTIFICATION_RULE = "notification_rule"
    NO_NOTIFICATION_RULE = "no_notification_rule"
    # There are rules, but no contact method that they name can be used.
    NO_USABLE_RULE = "no_usable_rule"
    # One of the above, moved to the end of the person's quiet hours.
    QUIET_HOURS = "quiet_hours"


class Unreachable(StrEnum):
    """Why a person cannot be paged at all."""

    NO_CONTACT = "no_contact"
    USER_DISABLED = "user_disabled"
    USER_REMOVED = "user_removed"


@dataclass(frozen=True, slots=True)
class ContactMethod:
    """`type` is the channel's kind, for people."""

    id: UUID
    type: str
    name: str
    is_verified: bool
    is_enabled: bool = True

    @property
    def is_usable(self) -> bool:
        return self.is_verified and self.is_enabled


@dataclass(frozen=True, slots=True)
class NotificationLine:
    """`says_end`: whether it also says that what it paged about is over; None: as is usual for its
    kind."""

    delay: timedelta
    contact_method_id: UUID
    says_end: bool | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One member of one workspace. `contact_methods` and the lines of each urgency are in the order in
    which the person has them."""

    id: UUID
    name: str
    timezone: str = "UTC"
    is_active: bool = True
    contact_methods: tuple[ContactMethod, ...] = ()
    notification_rules: Mapping[Urgency, tuple[NotificationLine, ...]] = field(default_factory=dict)
    quiet_until: QuietUntil | None = None
    shift_notices: ShiftNotices | None = None
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """`delay` is counted from the moment at which the page of this person begins."""

    delay: timedelta
    contact_method_id: UUID
    reason: PageReason


def unreachable(person: Person | None) -> Unreachable | None:
    """Why no page reaches a person; None: one does. A person that is None is no member."""
    if person is None:
        return Unreachable.USER_REMOVED
    if not person.is_active:
        return Unreachable.USER_DISABLED
    if not any(method.is_usable for method in person.contact_methods):
        return Unreachable.NO_CONTACT
    return None


def plan_pages(
    person: Person | None, urgency: Urgency, at: datetime
) -> tuple[PlannedPage, ...] | Unreachable:
    """The pages of one person that begin at `at`, soonest first; None is somebody who is no member.

    A contact method is paged once for one moment, however many lines of rules (or quiet hours) bring
    it there.
    """
    why_not = unreachable(person)
    if person is None or why_not is not None:
        return why_not or Unreachable.USER_REMOVED
    usable = {method.id for method in person.contact_methods if method.is_usable}
    lines = person.notification_rules.get(urgency, ())
    pages = [
        PlannedPage(line.delay, line.contact_method_id, PageReason.NOTIFICATION_RULE)
        for line in lines
        if line.contact_method_id in usable
    ]
    if not pages:
        reason = PageReason.NO_USABLE_RULE if lines else PageReason.NO_NOTIFICATION_RULE
        pages = [
            PlannedPage(AT_ONCE, method.id, reason)
            for method in person.contact_methods
            if method.id in usable
        ]
    if urgency is Urgency.LOW and person.quiet_until is not None:
        pages = [_after_quiet(page, person.quiet_until, at) for page in pages]
    first: dict[tuple[timedelta, UUID], PlannedPage] = {}
    for page in sorted(pages, key=lambda page: page.delay):
        first.setdefault((page.delay, page.contact_method_id), page)
    return tuple(first.values())


ALWAYS_LOUD = "voice"
"""A call has no quiet tone: none is made because something is over."""

_NOT_BY_ITSELF = frozenset({"sms", ALWAYS_LOUD})
"""Kinds that tell of an end only where a rule wants it: most of them ring like a page."""


def says_end(person: Person | None, urgency: Urgency, contact_method_id: UUID) -> bool:
    """Whether this contact method, by which the person was paged, also says that it is over."""
    if person is None or not person.is_active:
        return False
    method = next((each for each in person.contact_methods if each.id == contact_method_id), None)
    if method is None or not method.is_usable or method.type == ALWAYS_LOUD:
        return False
    wishes = [
        line.says_end
        for line in person.notification_rules.get(urgency, ())
        if line.contact_method_id == contact_method_id and line.says_end is not None
    ]
    return any(wishes) if wishes else method.type not in _NOT_BY_ITSELF


def end_at(person: Person, urgency: Urgency, now: datetime) -> datetime | None:
    """When they are told of an end: after their quiet hours, if it is of low urgency; None: at once."""
    if urgency is not Urgency.LOW or person.quiet_until is None:
        return None
    return person.quiet_until(now)


def _after_quiet(page: PlannedPage, quiet_until: QuietUntil, at: datetime) -> PlannedPage:
    end = quiet_until(at + page.delay)
    if end is None:
        return page
    return PlannedPage(end - at, page.contact_method_id, PageReason.QUIET_HOURS)


CALLS = frozenset({"voice"})
"""Types of contact methods that only pages use."""


def notice_methods(person: Person) -> tuple[UUID, ...]:
    """Where a person is told what is no page: the contact methods of their rules for low urgency, else
    all that can be used; never by a call. Their delays and quiet hours are for pages."""
    if not person.is_active:
        return ()
    usable = {
        each.id: each
        for each in person.contact_methods
        if each.is_usable and each.type not in CALLS
    }
    lines = person.notification_rules.get(Urgency.LOW, ())
    named = dict.fromkeys(
        line.contact_method_id for line in lines if line.contact_method_id in usable
    )
    return tuple(named or usable)
