"""The example of docs/concepts/routing.md, hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.routing.builders import (
    SLACK,
    planned,
    quiet_hours,
    quiet_window,
    rule,
    rule_id,
    silence,
    subject,
    table,
)
from tocsin.model import AlertDeliveryStatus, AlertStatus, EventType, Reason, Severity
from tocsin.routing.look import HeldDelivery, Looked, look
from tocsin.routing.plan import NO_HISTORY, History, NotifiedTrigger, PlannedDelivery, plan
from tocsin.routing.rules import Matcher, RoutingTable, Subject

BERLIN = ZoneInfo("Europe/Berlin")
RULES = (
    rule(
        1,
        matchers=(Matcher("team", "=~", "db|storage"),),
        quiet_hours=quiet_hours("22:00", "07:00", "Europe/Berlin"),
        cooldown_seconds=3600,
    ),
    rule(2, min_severity=Severity.CRITICAL),
)
TABLE = table(*RULES)


def berlin(day: int, clock: str) -> datetime:
    """May 2026; the 12th is a Tuesday."""
    return datetime.fromisoformat(f"2026-05-{day}T{clock}").replace(tzinfo=BERLIN).astimezone(UTC)


def disk(number: int, severity: Severity = Severity.HIGH) -> Subject:
    return subject({"team": "db", "host": f"db-{number}"}, severity, external_id=f"disk-{number}")


def notified_of(trigger: PlannedDelivery, status: AlertDeliveryStatus) -> History:
    row = {
        "status": status,
        "reason": trigger.reason,
        "send_after": trigger.send_after,
        "alert_rule_id": trigger.rule_id,
        "detail": trigger.detail,
    }
    return History(notified_trigger={SLACK: NotifiedTrigger.from_row(row)})


def slack(
    event_type: EventType,
    about: Subject,
    at: datetime,
    history: History = NO_HISTORY,
    routing: RoutingTable = TABLE,
) -> PlannedDelivery:
    return planned(routing, event_type, history, at, about)[SLACK]


def looked(
    held: PlannedDelivery,
    about: Subject,
    status: AlertStatus,
    at: datetime,
    history: History = NO_HISTORY,
    routing: RoutingTable = TABLE,
) -> Looked:
    rules = frozenset({held.rule_id})
    since = berlin(12, "12:00")
    delivery = HeldDelivery(
        EventType.TRIGGERED, held.reason, held.send_after, since, rules, held.detail
    )
    (answer,) = look(routing, SLACK, [delivery], about, status, history, at)
    return answer


def test_tuesday_afternoon() -> None:
    two = berlin(12, "14:00")
    first = slack(EventType.TRIGGERED, disk(7), two)
    assert (first.status, first.rule_id) == (AlertDeliveryStatus.QUEUED, rule_id(1))
    assert [each["id"] for each in first.detail["rules"]] == [str(rule_id(1))]
    (cooldown,) = plan(TABLE, EventType.TRIGGERED, disk(7), NO_HISTORY, two).cooldowns
    assert cooldown == (rule_id(1), SLACK, berlin(12, "15:00"))

    sent = notified_of(first, AlertDeliveryStatus.SENT)
    over = slack(EventType.RESOLVED, disk(7), berlin(12, "14:10"), sent)
    assert over.status is AlertDeliveryStatus.QUEUED

    cooling = History(last_notified={(rule_id(1), SLACK): two})
    again = slack(EventType.TRIGGERED, disk(7), berlin(12, "14:30"), cooling)
    assert (again.status, again.reason) == (AlertDeliveryStatus.DEFERRED, Reason.COOLDOWN)
    assert again.send_after == berlin(12, "15:00")
    still = looked(again, disk(7), AlertStatus.OPEN, berlin(12, "15:00"), cooling)
    assert still.status is AlertDeliveryStatus.QUEUED
    over = looked(again, disk(7), AlertStatus.RESOLVED, berlin(12, "14:40"), cooling)
    assert (over.status, over.reason) == (
        AlertDeliveryStatus.CANCELED,
        Reason.RESOLVED_BEFORE_SENT,
    )


def test_the_night_and_the_morning_after() -> None:
    night = slack(EventType.TRIGGERED, disk(9), berlin(12, "23:00"))
    assert (night.status, night.send_after) == (AlertDeliveryStatus.DEFERRED, berlin(13, "07:00"))

    worse = disk(9, Severity.CRITICAL)
    freed = looked(night, worse, AlertStatus.OPEN, berlin(12, "23:20"))
    assert freed.status is AlertDeliveryStatus.QUEUED

    swap = silence(
        Matcher("host", "=", "db-9"), starts_at=berlin(13, "09:00"), ends_at=berlin(13, "11:00")
    )
    routing = table(*RULES, silences=(swap,))
    muted = slack(EventType.TRIGGERED, worse, berlin(13, "10:00"), routing=routing)
    assert (muted.status, muted.reason) == (AlertDeliveryStatus.DEFERRED, Reason.SILENCE)
    still = looked(muted, worse, AlertStatus.OPEN, berlin(13, "11:00"), routing=routing)
    assert still.status is AlertDeliveryStatus.QUEUED
    assert still.ended is not None
    assert still.ended.after == "silence “moving the disks”"
    loud = slack(EventType.TRIGGERED, worse, berlin(13, "11:00"), routing=routing)
    assert loud.status is AlertDeliveryStatus.QUEUED
    sent = notified_of(night, AlertDeliveryStatus.SENT)
    over = slack(EventType.RESOLVED, worse, berlin(13, "10:15"), sent, routing)
    assert over.status is AlertDeliveryStatus.QUEUED


def test_a_weekend_in_one() -> None:
    weekend = quiet_window("18:00", "18:00", "Europe/Berlin", frozenset({"fri", "sat", "sun"}))
    assert weekend.until(berlin(15, "18:00")) == berlin(18, "18:00")
    assert weekend.until(berlin(15, "17:59")) is None
