from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model import Severity, Urgency
from tocsin.oncall.contacts import (
    ContactMethod,
    NotificationLine,
    PageReason,
    Person,
    PlannedPage,
    QuietUntil,
    Unreachable,
    plan_pages,
)

NIGHT = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 5, 7, 0, tzinfo=UTC)
PUSH, SMS, CALL = UUID(int=1), UUID(int=2), UUID(int=3)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def method(id: UUID, *, is_verified: bool = True, is_enabled: bool = True) -> ContactMethod:
    return ContactMethod(id, "email", "mail", is_verified, is_enabled)


def quiet_till_morning(at: datetime) -> datetime | None:
    return MORNING if NIGHT <= at < MORNING else None


def person(
    *methods: ContactMethod,
    high: Sequence[tuple[timedelta, UUID]] = (),
    low: Sequence[tuple[timedelta, UUID]] = (),
    is_active: bool = True,
    quiet_until: QuietUntil | None = None,
) -> Person:
    return Person(
        id=UUID(int=9),
        name="Ana",
        is_active=is_active,
        contact_methods=methods,
        notification_rules={
            Urgency.HIGH: tuple(NotificationLine(*line) for line in high),
            Urgency.LOW: tuple(NotificationLine(*line) for line in low),
        },
        quiet_until=quiet_until,
    )


def test_rules_say_what_comes_when() -> None:
    ana = person(
        method(PUSH),
        method(SMS),
        method(CALL),
        high=[(minutes(6), CALL), (minutes(0), PUSH), (minutes(3), SMS)],
    )

    assert plan_pages(ana, Urgency.HIGH, NIGHT) == (
        PlannedPage(minutes(0), PUSH, PageReason.NOTIFICATION_RULE),
        PlannedPage(minutes(3), SMS, PageReason.NOTIFICATION_RULE),
        PlannedPage(minutes(6), CALL, PageReason.NOTIFICATION_RULE),
    )


def test_who_has_no_rule_of_this_urgency_gets_everything_at_once() -> None:
    ana = person(method(PUSH), method(SMS), low=[(minutes(5), PUSH)])

    assert plan_pages(ana, Urgency.HIGH, NIGHT) == (
        PlannedPage(minutes(0), PUSH, PageReason.NO_NOTIFICATION_RULE),
        PlannedPage(minutes(0), SMS, PageReason.NO_NOTIFICATION_RULE),
    )


def test_what_cannot_be_used_is_passed_over() -> None:
    ana = person(
        method(PUSH, is_verified=False),
        method(SMS, is_enabled=False),
        method(CALL),
        high=[(minutes(0), PUSH), (minutes(1), SMS), (minutes(6), CALL), (minutes(7), UUID(int=8))],
    )

    assert plan_pages(ana, Urgency.HIGH, NIGHT) == (
        PlannedPage(minutes(6), CALL, PageReason.NOTIFICATION_RULE),
    )


def test_rules_of_which_none_can_be_used_are_as_good_as_none() -> None:
    ana = person(method(PUSH, is_verified=False), method(SMS), high=[(minutes(0), PUSH)])

    assert plan_pages(ana, Urgency.HIGH, NIGHT) == (
        PlannedPage(minutes(0), SMS, PageReason.NO_USABLE_RULE),
    )


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (person(), Unreachable.NO_CONTACT),
        (person(method(PUSH, is_verified=False)), Unreachable.NO_CONTACT),
        (person(method(PUSH, is_enabled=False)), Unreachable.NO_CONTACT),
        (person(method(PUSH), is_active=False), Unreachable.USER_DISABLED),
        (None, Unreachable.USER_REMOVED),
    ],
)
def test_who_cannot_be_paged(who: Person | None, why: Unreachable) -> None:
    assert plan_pages(who, Urgency.HIGH, NIGHT) is why


def test_quiet_hours_move_pages_of_low_urgency_to_their_end() -> None:
    ana = person(
        method(PUSH),
        method(SMS),
        low=[(minutes(0), PUSH), (minutes(30), PUSH), (minutes(600), SMS)],
        quiet_until=quiet_till_morning,
    )

    assert plan_pages(ana, Urgency.LOW, NIGHT) == (
        PlannedPage(MORNING - NIGHT, PUSH, PageReason.QUIET_HOURS),
        PlannedPage(minutes(600), SMS, PageReason.NOTIFICATION_RULE),
    )


def test_quiet_hours_hold_nothing_of_high_urgency() -> None:
    ana = person(method(PUSH), quiet_until=quiet_till_morning)

    assert plan_pages(ana, Urgency.HIGH, NIGHT) == (
        PlannedPage(minutes(0), PUSH, PageReason.NO_NOTIFICATION_RULE),
    )


@pytest.mark.parametrize("severity", Severity)
def test_critical_and_high_are_of_high_urgency(severity: Severity) -> None:
    is_high = Urgency.of(severity) is Urgency.HIGH
    assert is_high == (severity in (Severity.CRITICAL, Severity.HIGH))


methods = st.builds(
    ContactMethod,
    id=st.integers(1, 6).map(lambda number: UUID(int=number)),
    type=st.just("email"),
    name=st.just("mail"),
    is_verified=st.booleans(),
    is_enabled=st.booleans(),
)
lines = st.lists(
    st.builds(
        NotificationLine,
        delay=st.integers(0, 1440).map(minutes),
        contact_method_id=st.integers(1, 8).map(lambda number: UUID(int=number)),
    ),
    max_size=6,
).map(tuple)
people = st.builds(
    Person,
    id=st.just(UUID(int=9)),
    name=st.just("Ana"),
    is_active=st.booleans(),
    contact_methods=st.lists(methods, max_size=6, unique_by=lambda each: each.id).map(tuple),
    notification_rules=st.dictionaries(st.sampled_from(Urgency), lines),
    quiet_until=st.sampled_from([None, quiet_till_morning]),
)
times = st.datetimes(datetime(2026, 3, 4), datetime(2026, 3, 6), timezones=st.just(UTC))


@given(people, st.sampled_from(Urgency), times)
def test_whoever_can_be_paged_is_and_only_by_what_is_verified(
    who: Person, urgency: Urgency, at: datetime
) -> None:
    usable = {each.id for each in who.contact_methods if each.is_verified and each.is_enabled}
    pages = plan_pages(who, urgency, at)

    if isinstance(pages, Unreachable):
        assert not who.is_active or not usable
        return
    assert who.is_active
    assert pages
    assert {page.contact_method_id for page in pages} <= usable
    assert all(page.delay >= timedelta(0) for page in pages)
    assert all(before.delay <= after.delay for before, after in pairwise(pages))
    assert len({(page.delay, page.contact_method_id) for page in pages}) == len(pages)


@given(people, st.sampled_from(Urgency), times)
def test_every_usable_line_is_followed_no_earlier_than_it_says(
    who: Person, urgency: Urgency, at: datetime
) -> None:
    pages = plan_pages(who, urgency, at)
    if isinstance(pages, Unreachable):
        return
    usable = {each.id for each in who.contact_methods if each.is_usable}
    for line in who.notification_rules.get(urgency, ()):
        if line.contact_method_id not in usable:
            continue
        due = at + line.delay
        if urgency is Urgency.LOW and who.quiet_until is not None:
            due = who.quiet_until(due) or due
        assert (due, line.contact_method_id) in {
            (at + page.delay, page.contact_method_id) for page in pages
        }


@given(people, times)
def test_no_page_of_low_urgency_falls_into_quiet_hours(who: Person, at: datetime) -> None:
    pages = plan_pages(who, Urgency.LOW, at)
    if isinstance(pages, Unreachable) or who.quiet_until is None:
        return
    assert [page for page in pages if who.quiet_until(at + page.delay) is not None] == []
