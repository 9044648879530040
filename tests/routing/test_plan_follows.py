"""What follows a trigger: who was not notified of the beginning is not notified of the end."""

from __future__ import annotations

import pytest

from tests.routing.builders import (
    CANCELED,
    FAILED,
    HOUR,
    NOW,
    PAGER,
    QUEUED,
    SENT,
    SLACK,
    SUPPRESSED,
    notified,
    planned,
    quiet_hours,
    rule,
    rule_id,
    subject,
    table,
)
from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity
from tocsin.routing.plan import NO_HISTORY, History, NotifiedTrigger
from tocsin.routing.rules import Matcher

NOON_REST = quiet_hours("11:00", "14:00")  # NOW is 12:00
TWO = NOW + 2 * HOUR


@pytest.mark.parametrize("event_type", [EventType.ACKNOWLEDGED, EventType.RESOLVED])
@pytest.mark.parametrize(
    ("history", "status"),
    [
        (notified(SUPPRESSED, Reason.COOLDOWN), SUPPRESSED),
        (notified(SUPPRESSED, Reason.SILENCE), SUPPRESSED),
        (notified(SUPPRESSED, Reason.DESTINATION_DISABLED), SUPPRESSED),
        (notified(CANCELED, Reason.CANCELED_BY_USER), SUPPRESSED),
        (notified(SENT), QUEUED),
        (notified(QUEUED), QUEUED),
        (notified(FAILED), QUEUED),  # an attempt of unknown outcome may have arrived
        (NO_HISTORY, QUEUED),  # the rule is younger than the alert
        (notified(SUPPRESSED, Reason.COOLDOWN, destination=PAGER), QUEUED),
    ],
)
def test_the_end_of_what_was_never_notified_is_no_news(
    event_type: EventType, history: History, status: AlertDeliveryStatus
) -> None:
    slack = planned(table(rule()), event_type, history)[SLACK]
    assert slack.status is status
    assert slack.reason is (Reason.TRIGGER_NOT_SENT if status is SUPPRESSED else Reason.RULE)


def test_a_rule_that_only_listens_to_ends_always_sends() -> None:
    ends_only = rule(event_types=frozenset({EventType.RESOLVED}))
    history = notified(SUPPRESSED, Reason.COOLDOWN)
    assert planned(table(ends_only), EventType.RESOLVED, history)[SLACK].status is QUEUED
    both = planned(table(rule(2), ends_only), EventType.RESOLVED, history)[SLACK]
    assert both.status is QUEUED
    assert both.detail["decided_by"] == str(ends_only.id)


def test_a_rule_that_notified_of_a_trigger_stays_with_the_alert() -> None:
    routing = table(
        rule(1, SLACK, PAGER, min_severity=Severity.HIGH),
        rule(2, matchers=(Matcher("severity", "=", "CRITICAL"),)),
    )
    fallen = subject(severity=Severity.LOW)
    assert planned(routing, EventType.RESOLVED, about=fallen) == {}
    deliveries = planned(routing, EventType.RESOLVED, notified(SENT), about=fallen)
    assert set(deliveries) == {SLACK}
    named = deliveries[SLACK].detail["rules"]
    assert [(each["id"], each["kept_from_trigger"]) for each in named] == [(str(rule_id(1)), True)]
    assert planned(routing, EventType.TRIGGERED, notified(SENT), about=fallen) == {}
    by_other_rule = notified(SENT, rules=(9,))
    assert planned(routing, EventType.RESOLVED, by_other_rule, about=fallen) == {}
    suppressed = notified(SUPPRESSED, Reason.COOLDOWN)
    assert planned(routing, EventType.RESOLVED, suppressed, about=fallen) == {}


def test_the_history_is_read_off_a_delivery_row() -> None:
    row = {
        "status": "sent",
        "reason": "rule",
        "send_after": None,
        "alert_rule_id": rule_id(1),
        "detail": {"rules": [{"id": str(rule_id(1))}, {"id": str(rule_id(2))}]},
    }
    read = NotifiedTrigger.from_row(row)
    assert read.rule_ids == {rule_id(1), rule_id(2)}
    assert read.counts_as_notified
    fallback = NotifiedTrigger.from_row(row | {"detail": {}, "status": "canceled"})
    assert fallback.rule_ids == {rule_id(1)}
    assert not fallback.counts_as_notified
