"""Who can be paged, made from what is stored of them."""

from __future__ import annotations

from datetime import timedelta

from tocsin.model import Role, Urgency
from tocsin.oncall.contacts import ContactMethod, NotificationLine, Person, QuietUntil
from tocsin.oncall.shift_notices import ShiftNotices
from tocsin.routing.quiet_hours import QuietHours, end_of_quiet
from tocsin.store.people import PersonRow


def person_of(row: PersonRow) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        timezone=row.timezone,
        is_active=row.is_active,
        contact_methods=tuple(
            ContactMethod(
                id=each.id,
                type=each.type,
                name=each.name,
                is_verified=each.verified_at is not None,
                is_enabled=each.is_enabled,
            )
            for each in row.contact_methods
        ),
        notification_rules={
            urgency: tuple(
                NotificationLine(
                    timedelta(seconds=each.delay_seconds), each.contact_method_id, each.says_end
                )
                for each in row.notification_rules
                if each.urgency == urgency
            )
            for urgency in Urgency
        },
        quiet_until=_quiet_until(row),
        shift_notices=_shift_notices(row),
        is_admin=row.role == Role.ADMIN.value,
    )


def _shift_notices(row: PersonRow) -> ShiftNotices | None:
    wanted = row.shift_notices
    if wanted is None:
        return None
    before = (timedelta(minutes=each) for each in wanted.get("before_minutes", ()))
    return ShiftNotices(tuple(before), bool(wanted.get("at_end")))


def _quiet_until(row: PersonRow) -> QuietUntil | None:
    # A window that names no zone is of the person's own.
    hours = QuietHours.from_documents(
        {**window, "timezone": window.get("timezone") or row.timezone}
        for window in row.quiet_hours or ()
    )
    return None if hours is None else lambda at: end_of_quiet(hours.windows, at)
