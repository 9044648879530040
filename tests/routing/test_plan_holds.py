"""What quiet hours, cooldowns, silences and snoozes hold, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.routing.builders import (
    DEFERRED,
    HOUR,
    MINUTE,
    NOW,
    PAGER,
    QUEUED,
    SENT,
    SLACK,
    notified,
    planned,
    quiet_hours,
    rule,
    rule_id,
    silence,
    subject,
    table,
)
from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity
from tocsin.routing.plan import NO_HISTORY, History, plan
from tocsin.routing.rules import Matcher, alert_key_id
from tocsin.routing.subject import ActiveSnooze

NOON_REST = quiet_hours("11:00", "14:00")  # NOW is 12:00
TWO = NOW + 2 * HOUR
MUTED = silence(starts_at=NOW - HOUR, ends_at=NOW + HOUR)


# Quiet hours


def test_quiet_hours_defer_to_their_end() -> None:
    slack = planned(table(rule(quiet_hours=NOON_REST)))[SLACK]
    assert (slack.status, slack.reason, slack.send_after) == (DEFERRED, Reason.QUIET_HOURS, TWO)
    (hold,) = slack.detail["holds"]
    assert (hold["reason"], hold["until"]) == ("quiet_hours", "2026-05-13T14:00:00Z")
    assert hold["quiet_hours"]["timezone"] == "UTC"
    assert hold["rule"] == {"id": str(rule_id(1)), "name": "rule 1"}


def test_what_is_bad_enough_breaks_through() -> None:
    rest = quiet_hours("11:00", "14:00", breakthrough=Severity.HIGH)
    assert planned(table(rule(quiet_hours=rest)))[SLACK].status is QUEUED
    low = subject(severity=Severity.LOW)
    assert planned(table(rule(quiet_hours=rest)), about=low)[SLACK].status is DEFERRED


def test_one_rule_that_sends_outweighs_one_that_defers() -> None:
    slack = planned(table(rule(1, quiet_hours=NOON_REST), rule(2)))[SLACK]
    assert (slack.status, slack.reason, slack.send_after) == (QUEUED, Reason.RULE, None)
    assert slack.rule_id == rule_id(1)
    assert slack.detail["decided_by"] == str(rule_id(2))
    assert [each["act"] for each in slack.detail["rules"]] == ["defer", "send"]


def test_of_several_quiet_hours_the_earliest_end_counts() -> None:
    longer = quiet_hours("11:00", "18:00")
    slack = planned(table(rule(1, quiet_hours=longer), rule(2, quiet_hours=NOON_REST)))[SLACK]
    assert (slack.status, slack.send_after) == (DEFERRED, TWO)
    assert slack.detail["decided_by"] == str(rule_id(2))


def test_what_follows_a_deferred_trigger_waits_with_it() -> None:
    routing = table(rule(1))  # its quiet hours were taken away meanwhile
    history = notified(DEFERRED, Reason.QUIET_HOURS, TWO)
    slack = planned(routing, EventType.ACKNOWLEDGED, history)[SLACK]
    assert (slack.status, slack.reason, slack.send_after) == (DEFERRED, Reason.QUIET_HOURS, TWO)
    due = notified(DEFERRED, Reason.QUIET_HOURS, NOW)  # its look is yet to come
    slack = planned(routing, EventType.ACKNOWLEDGED, due)[SLACK]
    assert (slack.status, slack.send_after) == (DEFERRED, NOW)


@pytest.mark.parametrize("trigger_waits", [HOUR, 2 * HOUR, 3 * HOUR])
def test_of_its_own_quiet_hours_and_those_of_the_trigger_the_later_end_counts(
    trigger_waits: timedelta,
) -> None:
    history = notified(DEFERRED, Reason.QUIET_HOURS, NOW + trigger_waits)
    slack = planned(table(rule(quiet_hours=NOON_REST)), EventType.RESOLVED, history)[SLACK]
    assert slack.send_after == max(TWO, NOW + trigger_waits)


# Cooldown


def last_notified(at: datetime, *rules: int) -> History:
    return History(last_notified={(rule_id(each), SLACK): at for each in rules or (1,)})


def test_a_notified_trigger_starts_the_cooldown_of_each_rule_that_notified() -> None:
    routing = table(rule(1, cooldown_seconds=600), rule(2, SLACK, PAGER, cooldown_seconds=60))
    made = plan(routing, EventType.TRIGGERED, subject(), NO_HISTORY, NOW)
    assert set(made.cooldowns) == {
        (rule_id(1), SLACK, NOW + 10 * MINUTE),
        (rule_id(2), SLACK, NOW + MINUTE),
        (rule_id(2), PAGER, NOW + MINUTE),
    }
    assert routing.has_cooldowns
    assert not table(rule(1)).has_cooldowns


@pytest.mark.parametrize(
    ("ago", "status"),
    [
        (timedelta(0), DEFERRED),
        (10 * MINUTE - timedelta(microseconds=1), DEFERRED),
        (10 * MINUTE, QUEUED),
        (-5 * MINUTE, DEFERRED),  # another node's clock
        (-10 * MINUTE, QUEUED),
    ],
)
def test_an_alert_key_is_held_while_the_cooldown_runs(
    ago: timedelta, status: AlertDeliveryStatus
) -> None:
    routing = table(rule(cooldown_seconds=600))
    slack = planned(routing, history=last_notified(NOW - ago))[SLACK]
    assert slack.status is status
    if status is DEFERRED:
        assert slack.reason is Reason.COOLDOWN
        assert slack.send_after == NOW - ago + 10 * MINUTE
        (hold,) = slack.detail["holds"]
        assert hold["cooldown_seconds"] == 600


def test_what_is_bad_enough_breaks_through_a_cooldown() -> None:
    routing = table(rule(cooldown_seconds=600, cooldown_breakthrough_severity=Severity.HIGH))
    assert planned(routing, history=last_notified(NOW))[SLACK].status is QUEUED
    low = subject(severity=Severity.LOW)
    assert planned(routing, history=last_notified(NOW), about=low)[SLACK].status is DEFERRED


def test_a_held_trigger_does_not_start_the_cooldown_anew() -> None:
    routing = table(rule(1, cooldown_seconds=600), rule(2, cooldown_seconds=60))
    made = plan(routing, EventType.TRIGGERED, subject(), last_notified(NOW - MINUTE), NOW)
    assert [each.status for each in made.deliveries] == [QUEUED]
    assert made.cooldowns == [(rule_id(2), SLACK, NOW + MINUTE)]


def test_a_deferred_trigger_starts_no_cooldown_for_it_may_never_be_notified() -> None:
    routing = table(rule(cooldown_seconds=600, quiet_hours=NOON_REST))
    assert plan(routing, EventType.TRIGGERED, subject(), NO_HISTORY, NOW).cooldowns == []


def test_of_several_holds_the_first_gives_the_reason_and_the_last_end_counts() -> None:
    routing = table(rule(cooldown_seconds=600, quiet_hours=NOON_REST), silences=(MUTED,))
    slack = planned(routing, history=last_notified(NOW))[SLACK]
    assert (slack.status, slack.reason, slack.send_after) == (DEFERRED, Reason.SILENCE, TWO)
    assert [each["reason"] for each in slack.detail["holds"]] == [
        "silence",
        "quiet_hours",
        "cooldown",
    ]


def test_a_cooldown_only_concerns_triggers() -> None:
    calm = table(rule(cooldown_seconds=600))
    resolved = planned(calm, EventType.RESOLVED, last_notified(NOW))[SLACK]
    assert resolved.status is QUEUED
    assert plan(calm, EventType.RESOLVED, subject(), NO_HISTORY, NOW).cooldowns == []


def test_without_an_external_id_there_is_no_problem_to_keep_a_cooldown_for() -> None:
    routing, about = table(rule(cooldown_seconds=600)), subject(external_id=None)
    assert planned(routing, history=last_notified(NOW), about=about)[SLACK].status is QUEUED
    assert plan(routing, EventType.TRIGGERED, about, NO_HISTORY, NOW).cooldowns == []


def test_a_problem_is_integration_and_external_id() -> None:
    one, two = UUID(int=1), UUID(int=2)
    assert alert_key_id(one, "a") == alert_key_id(one, "a")
    assert len({alert_key_id(one, "a"), alert_key_id(one, "b"), alert_key_id(two, "a")}) == 3
    assert alert_key_id(one, None) is None


# Silences and snoozes


def test_a_silence_holds_whatever_the_rules_say_and_is_named() -> None:
    routing = table(
        rule(1, quiet_hours=NOON_REST, cooldown_seconds=60), rule(2, PAGER), silences=(MUTED,)
    )
    deliveries = planned(routing, history=last_notified(NOW))
    assert {each.status for each in deliveries.values()} == {DEFERRED}
    assert {each.reason for each in deliveries.values()} == {Reason.SILENCE}
    assert {deliveries[PAGER].send_after} == {NOW + HOUR}
    assert deliveries[SLACK].detail["holds"][0]["silence"] == {
        "id": str(MUTED.id),
        "author": "ana",
        "comment": "moving the disks",
        "starts_at": "2026-05-13T11:00:00Z",
        "ends_at": "2026-05-13T13:00:00Z",
        "matchers": ['team="db"'],
    }
    assert plan(routing, EventType.TRIGGERED, subject(), NO_HISTORY, NOW).cooldowns == []


@pytest.mark.parametrize(
    ("starts", "ends", "muted"),
    [
        (timedelta(0), HOUR, True),
        (-HOUR, timedelta(0), False),
        (timedelta(microseconds=1), HOUR, False),
        (-HOUR, timedelta(microseconds=1), True),
    ],
)
def test_a_silence_holds_from_its_start_to_just_before_its_end(
    starts: timedelta, ends: timedelta, muted: bool
) -> None:
    one = silence(starts_at=NOW + starts, ends_at=NOW + ends)
    slack = planned(table(rule(), silences=(one,)))[SLACK]
    assert (slack.status is DEFERRED) is muted


def test_all_matchers_of_a_silence_must_match() -> None:
    team, host = Matcher("team", "=", "db"), Matcher("host", "=", "db-8")
    one = silence(team, host, starts_at=NOW - HOUR, ends_at=NOW + HOUR)
    assert planned(table(rule(), silences=(one,)))[SLACK].status is QUEUED


@pytest.mark.parametrize("matchers", [(), (Matcher("team", "=~", "("),)])
def test_a_silence_that_asks_nothing_or_is_broken_mutes_nothing(
    matchers: tuple[Matcher, ...],
) -> None:
    one = replace(MUTED, matchers=matchers)
    assert planned(table(rule(), silences=(one,)))[SLACK].status is QUEUED


def test_of_several_silences_the_longest_is_named() -> None:
    longer = silence(starts_at=NOW - HOUR, ends_at=NOW + 3 * HOUR, number=2)
    slack = planned(table(rule(), silences=(MUTED, longer)))[SLACK]
    assert slack.detail["holds"][0]["silence"]["id"] == str(longer.id)
    assert slack.send_after == longer.ends_at


def test_what_is_bad_enough_breaks_through_a_silence() -> None:
    routing = table(rule(), silences=(replace(MUTED, breakthrough_severity=Severity.HIGH),))
    assert planned(routing)[SLACK].status is QUEUED
    assert planned(routing, about=subject(severity=Severity.LOW))[SLACK].status is DEFERRED


def test_a_snooze_holds_one_alert_until_its_end() -> None:
    snoozed = subject(snooze=ActiveSnooze(NOW + HOUR, "ana"))
    slack = planned(table(rule()), about=snoozed)[SLACK]
    assert (slack.status, slack.reason, slack.send_after) == (
        DEFERRED,
        Reason.SNOOZED,
        NOW + HOUR,
    )
    assert slack.detail["holds"][0]["snooze"] == {"by": "ana"}
    over = subject(snooze=ActiveSnooze(NOW, "ana"))
    assert planned(table(rule()), about=over)[SLACK].status is QUEUED
    ended = planned(table(rule()), EventType.RESOLVED, notified(SENT), about=snoozed)[SLACK]
    assert ended.status is QUEUED


@pytest.mark.parametrize(
    ("event_type", "history", "muted"),
    [
        (EventType.RESOLVED, notified(SENT), False),
        (EventType.CLOSED, notified(QUEUED), False),
        (EventType.ACKNOWLEDGED, notified(SENT), True),
        (EventType.RESOLVED, NO_HISTORY, True),
        (EventType.RESOLVED, notified(SENT, destination=PAGER), True),
    ],
)
def test_who_was_notified_before_the_silence_learns_that_it_is_over(
    event_type: EventType, history: History, muted: bool
) -> None:
    slack = planned(table(rule(), silences=(MUTED,)), event_type, history)[SLACK]
    assert (slack.reason is Reason.SILENCE) is muted
    assert (slack.status is QUEUED) is not muted


def test_a_disabled_destination_outranks_a_silence() -> None:
    routing = table(rule(), silences=(MUTED,), disabled=frozenset({SLACK}))
    assert planned(routing)[SLACK].reason is Reason.DESTINATION_DISABLED
