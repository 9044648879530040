from __future__ import annotations

from datetime import timedelta

import pytest

from tests.routing.builders import (
    NOW,
    PAGER,
    SLACK,
    rule,
    rule_id,
    subject,
    table,
)
from tocsin.model import AlertDeliveryStatus, Reason, Severity
from tocsin.routing.plan import NO_HISTORY, History, NotifiedTrigger
from tocsin.routing.worsened import worsened

HOUR = timedelta(hours=1)
CRITICAL = subject(severity=Severity.CRITICAL)


def notified(status: AlertDeliveryStatus, reason: Reason = Reason.RULE) -> History:
    trigger = NotifiedTrigger(status, reason, NOW + HOUR, frozenset({rule_id(1)}))
    return History(notified_trigger={SLACK: trigger})


def test_a_rule_that_ignored_the_alert_so_far_now_notifies_of_it() -> None:
    routing = table(rule(1), rule(2, PAGER, min_severity=Severity.CRITICAL, cooldown_seconds=60))
    worse = worsened(routing, CRITICAL, notified(AlertDeliveryStatus.SENT), NOW)
    assert [each.destination_id for each in worse.deliveries] == [PAGER]
    assert worse.cooldowns == [(rule_id(2), PAGER, NOW + timedelta(seconds=60))]


@pytest.mark.parametrize(
    "status",
    [
        AlertDeliveryStatus.SENT,
        AlertDeliveryStatus.QUEUED,
        AlertDeliveryStatus.FAILED,
        AlertDeliveryStatus.CANCELED,
        AlertDeliveryStatus.DEFERRED,  # that is looked at by itself
    ],
)
def test_who_was_notified_is_not_notified_again(status: AlertDeliveryStatus) -> None:
    worse = worsened(table(rule(1, cooldown_seconds=60)), CRITICAL, notified(status), NOW)
    assert (worse.deliveries, worse.cooldowns) == ([], [])


def test_what_was_not_to_be_sent_may_be_now() -> None:
    disabled = notified(AlertDeliveryStatus.SUPPRESSED, Reason.DESTINATION_DISABLED)
    worse = worsened(table(rule(1)), CRITICAL, disabled, NOW)
    assert [each.status for each in worse.deliveries] == [AlertDeliveryStatus.QUEUED]
    still = table(rule(1), disabled=frozenset({SLACK}))
    assert worsened(still, CRITICAL, disabled, NOW).deliveries == []


def test_without_rules_nothing_comes_of_it() -> None:
    worse = worsened(table(), CRITICAL, NO_HISTORY, NOW)
    assert list(worse.deliveries) == []
