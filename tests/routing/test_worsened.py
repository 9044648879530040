from __future__ import annotations

from datetime import timedelta

import pytest

from tests.routing.builders import (
    NOW,
    PAGER,
    SLACK,
    quiet_hours,
    rule,
    rule_id,
    silence,
    subject,
    table,
)
from tocsin.model import AlertDeliveryStatus, Reason, Severity
from tocsin.routing.plan import NO_HISTORY, History, ToldTrigger
from tocsin.routing.rules import Matcher
from tocsin.routing.worsened import escalate

HOUR = timedelta(hours=1)
CRITICAL = subject(severity=Severity.CRITICAL)


def told(status: AlertDeliveryStatus, reason: Reason = Reason.RULE) -> History:
    trigger = ToldTrigger(status, reason, NOW + HOUR, frozenset({rule_id(1)}))
    return History(told_trigger={SLACK: trigger})


def test_a_rule_that_ignored_the_alert_so_far_now_tells_of_it() -> None:
    routing = table(rule(1), rule(2, PAGER, min_severity=Severity.CRITICAL, cooldown_seconds=60))
    worse = escalate(routing, CRITICAL, told(AlertDeliveryStatus.SENT), NOW)
    assert [each.destination_id for each in worse.plan.deliveries] == [PAGER]
    assert worse.plan.cooldowns == [(rule_id(2), PAGER, NOW + timedelta(seconds=60))]
    assert worse.release == ()


@pytest.mark.parametrize(
    "status",
    [
        AlertDeliveryStatus.SENT,
        AlertDeliveryStatus.QUEUED,
        AlertDeliveryStatus.FAILED,
        AlertDeliveryStatus.CANCELED,
    ],
)
def test_who_was_told_is_not_told_again(status: AlertDeliveryStatus) -> None:
    worse = escalate(table(rule(1, cooldown_seconds=60)), CRITICAL, told(status), NOW)
    assert (worse.plan.deliveries, worse.plan.cooldowns, worse.release) == ([], [], ())


def test_what_breaks_through_now_releases_the_deferred_message() -> None:
    rest = quiet_hours("11:00", "14:00", breakthrough=Severity.CRITICAL)
    routing = table(rule(1, quiet_hours=rest, cooldown_seconds=60))
    deferred = told(AlertDeliveryStatus.DEFERRED, Reason.QUIET_HOURS)
    worse = escalate(routing, CRITICAL, deferred, NOW)
    assert (worse.plan.deliveries, worse.release) == ([], (SLACK,))
    assert worse.plan.cooldowns == [(rule_id(1), SLACK, NOW + timedelta(seconds=60))]
    still_quiet = escalate(routing, subject(severity=Severity.HIGH), deferred, NOW)
    assert (still_quiet.plan.deliveries, still_quiet.release) == ([], ())


def test_a_silence_for_the_less_severe_no_longer_holds() -> None:
    low_only = silence(
        Matcher("severity", "=~", "LOW|INFO"), starts_at=NOW - HOUR, ends_at=NOW + HOUR
    )
    routing = table(rule(1), silences=(low_only,))
    silenced = told(AlertDeliveryStatus.SUPPRESSED, Reason.SILENCE)
    worse = escalate(routing, CRITICAL, silenced, NOW)
    assert [each.status for each in worse.plan.deliveries] == [AlertDeliveryStatus.QUEUED]
    still = escalate(routing, subject(severity=Severity.LOW), silenced, NOW)
    assert still.plan.deliveries == []


def test_a_cooldown_still_holds() -> None:
    routing = table(rule(1, cooldown_seconds=7200))
    cooled = told(AlertDeliveryStatus.SUPPRESSED, Reason.COOLDOWN)
    history = History({(rule_id(1), SLACK): NOW - HOUR}, cooled.told_trigger)
    assert escalate(routing, CRITICAL, history, NOW).plan.deliveries == []


def test_without_rules_nothing_comes_of_it() -> None:
    worse = escalate(table(), CRITICAL, NO_HISTORY, NOW)
    assert (list(worse.plan.deliveries), worse.release) == ([], ())
