"""What the documents of a policy mean: conditions, hours by the clock of a zone, timeouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tocsin.model import Severity, StepMode, TargetKind, uuid7
from tocsin.oncall.policy_shapes import Hours, Policy, PolicyStep, StepCondition

OFFICE = {
    "days": ["mon", "tue", "wed", "thu", "fri"],
    "start": "09:00",
    "end": "17:00",
    "timezone": "Europe/Vienna",
}
NIGHTS = {**OFFICE, "days": ["fri"], "start": "22:00", "end": "06:00"}


@pytest.mark.parametrize(
    ("hours", "at", "covered"),
    [
        (OFFICE, "2026-03-02T08:00:00", True),  # a Monday, 09:00 there
        (OFFICE, "2026-03-02T07:59:59", False),
        (OFFICE, "2026-03-02T15:59:59", True),
        (OFFICE, "2026-03-02T16:00:00", False),
        (OFFICE, "2026-03-01T10:00:00", False),  # a Sunday
        (OFFICE, "2026-07-06T07:00:00", True),  # in summer, 09:00 is an hour earlier in UTC
        (NIGHTS, "2026-03-06T21:00:00", True),
        (NIGHTS, "2026-03-07T04:59:00", True),  # begun on Friday
        (NIGHTS, "2026-03-07T05:00:00", False),
        (NIGHTS, "2026-03-06T04:00:00", False),  # that was Thursday's night
        (NIGHTS, "2026-03-07T21:30:00", False),
        ({**NIGHTS, "end": "22:00"}, "2026-03-07T20:59:00", True),  # a whole day
        ({**NIGHTS, "end": "22:00"}, "2026-03-07T21:00:00", False),
    ],
)
def test_hours_are_those_of_their_zone(hours: dict[str, Any], at: str, covered: bool) -> None:
    assert Hours.from_document(hours).cover(datetime.fromisoformat(at + "+00:00")) is covered


def test_a_condition_says_what_does_not_hold() -> None:
    condition = StepCondition.from_document(
        {
            "min_severity": "HIGH",
            "matchers": [{"label": "team", "op": "=", "value": "db"}],
            "hours": [OFFICE],
        }
    )
    monday, sunday = datetime(2026, 3, 2, 10, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)

    assert condition.unmet(Severity.HIGH, lambda asked: True, monday) is None
    assert condition.unmet(Severity.LOW, lambda asked: True, monday) == "only for HIGH or worse"
    assert condition.unmet(Severity.HIGH, lambda asked: False, monday) == 'only where team="db"'
    assert condition.unmet(Severity.HIGH, lambda asked: True, sunday) == (
        "only mon tue wed thu fri 09:00-17:00 Europe/Vienna"
    )


def test_a_step_without_a_condition_is_always_taken() -> None:
    step = PolicyStep.from_document(
        {"targets": [{"type": "user", "id": str(uuid7())}], "wait_seconds": 300}
    )

    assert step.mode is StepMode.EVERYONE
    assert step.targets[0].type is TargetKind.USER
    assert step.unmet(Severity.INFO, lambda asked: False, datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("minutes", "severity", "expected"),
    [
        (None, Severity.CRITICAL, timedelta(minutes=30)),
        (None, Severity.HIGH, timedelta(minutes=30)),
        (None, Severity.MEDIUM, None),
        (0, Severity.CRITICAL, None),
        (5, Severity.INFO, timedelta(minutes=5)),
    ],
)
def test_how_long_an_acknowledgement_lasts(
    minutes: int | None, severity: Severity, expected: timedelta | None
) -> None:
    policy = Policy(uuid7(), 1, "Database", (), ack_timeout_minutes=minutes)

    assert policy.ack_timeout(severity) == expected
