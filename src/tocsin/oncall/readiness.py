"""Whether everybody whom a policy can reach would be woken. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from tocsin.model import Urgency
from tocsin.oncall.contacts import Person, Unreachable, plan_pages
from tocsin.oncall.policy_shapes import PolicyTarget

SOON = timedelta(minutes=5)
"""Within it the first page of whoever is to be woken has to go."""


class Unready(StrEnum):
    """Why somebody might sleep on."""

    USER_REMOVED = "user_removed"
    USER_DISABLED = "user_disabled"
    NO_CONTACT = "no_contact"
    # The first page goes too long after the step began.
    LATE = "late"


_UNREACHABLE = {
    Unreachable.USER_REMOVED: Unready.USER_REMOVED,
    Unreachable.USER_DISABLED: Unready.USER_DISABLED,
    Unreachable.NO_CONTACT: Unready.NO_CONTACT,
}


@dataclass(frozen=True, slots=True)
class ReachedBy:
    """By which target of which step, counted from 0. `next_at`: of a schedule, when their next shift
    begins, or has begun."""

    step: int
    target: PolicyTarget
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastPage:
    """The newest page of a person that was sent."""

    at: datetime
    alert_destination_id: UUID


@dataclass(frozen=True, slots=True)
class PersonReadiness:
    """`first_page`: how long after a step begins; None: never."""

    user_id: UUID
    reached_by: tuple[ReachedBy, ...]
    usable_contacts: int
    first_page: timedelta | None
    unready: Unready | None
    last_page: LastPage | None


def readiness_of(
    user_id: UUID,
    person: Person | None,
    reached_by: tuple[ReachedBy, ...],
    last_page: LastPage | None,
    at: datetime,
) -> PersonReadiness:
    """Of a page that is to wake somebody. `person` None: no member of the workspace."""
    planned = plan_pages(person, Urgency.HIGH, at)
    if person is None or isinstance(planned, Unreachable):
        unready = (
            _UNREACHABLE[planned] if isinstance(planned, Unreachable) else Unready.USER_REMOVED
        )
        return PersonReadiness(user_id, reached_by, 0, None, unready, last_page)
    usable = sum(method.is_usable for method in person.contact_methods)
    first = min(page.delay for page in planned)
    late = Unready.LATE if first > SOON else None
    return PersonReadiness(user_id, reached_by, usable, first, late, last_page)
