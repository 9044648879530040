from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.routing.builders import (
    GONE,
    NOW,
    OTHER_TENANT,
    PAGER,
    SLACK,
    TENANT,
    destination_id,
    planned,
    quiet_hours,
    rule,
    rule_id,
    silence,
    subject,
    table,
)
from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity
from tocsin.routing.group import Grouping
from tocsin.routing.plan import NO_HISTORY, NOTHING, History, NotifiedTrigger, plan
from tocsin.routing.rules import Exemption, Matcher, Rule, Silence, alert_key_id
from tocsin.routing.subject import ActiveSnooze

QUEUED, DEFERRED, SENT, FAILED, SUPPRESSED, CANCELED = (
    AlertDeliveryStatus.QUEUED,
    AlertDeliveryStatus.DEFERRED,
    AlertDeliveryStatus.SENT,
    AlertDeliveryStatus.FAILED,
    AlertDeliveryStatus.SUPPRESSED,
    AlertDeliveryStatus.CANCELED,
)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOON_REST = quiet_hours("11:00", "14:00")  # NOW is 12:00
TWO = NOW + 2 * HOUR


def notified(
    status: AlertDeliveryStatus,
    reason: Reason = Reason.RULE,
    send_after: datetime | None = None,
    destination: UUID = SLACK,
    rules: tuple[int, ...] = (1,),
) -> History:
    ids = frozenset(rule_id(each) for each in rules)
    return History(notified_trigger={destination: NotifiedTrigger(status, reason, send_after, ids)})


def test_without_rules_there_is_nothing_to_do() -> None:
    assert plan(table(), EventType.TRIGGERED, subject(), NO_HISTORY, NOW) is NOTHING
    assert not table().listens(EventType.TRIGGERED)


def test_every_matching_rule_applies_and_a_destination_is_notified_once() -> None:
    routing = table(rule(2, SLACK, PAGER), rule(1, SLACK), rule(3, GONE))
    deliveries = planned(routing)
    assert set(deliveries) == {SLACK, PAGER}
    slack = deliveries[SLACK]
    assert (slack.status, slack.reason, slack.rule_id) == (QUEUED, Reason.RULE, rule_id(1))
    assert [each["name"] for each in slack.detail["rules"]] == ["rule 1", "rule 2"]
    assert deliveries[PAGER].rule_id == rule_id(2)


def test_rules_stand_by_position_then_id() -> None:
    routing = table(rule(3, position=0), rule(2, position=0), rule(1, position=9))
    assert [each.id for each in routing.rules] == [rule_id(2), rule_id(3), rule_id(1)]


@pytest.mark.parametrize(
    ("change", "speaks"),
    [
        ({}, True),
        ({"is_enabled": False}, False),
        ({"event_types": frozenset({EventType.RESOLVED})}, False),
        ({"event_types": frozenset({EventType.TEST})}, False),
        ({"min_severity": Severity.HIGH}, True),
        ({"min_severity": Severity.CRITICAL}, False),
        ({"tenant_ids": frozenset({TENANT})}, True),
        ({"tenant_ids": frozenset({OTHER_TENANT})}, False),
        ({"tenant_ids": frozenset()}, False),
        ({"matchers": (Matcher("team", "=", "db"), Matcher("host", "=~", "db-.*"))}, True),
        ({"matchers": (Matcher("team", "=", "db"), Matcher("host", "=~", "web-.*"))}, False),
        ({"destination_ids": ()}, False),
        ({"destination_ids": (GONE,)}, False),
        ({"destination_ids": (SLACK, SLACK)}, True),
    ],
)
def test_what_makes_a_rule_speak(change: dict[str, object], speaks: bool) -> None:
    assert bool(planned(table(rule(**change)))) is speaks


def test_test_messages_are_no_business_of_rules() -> None:
    routing = table(rule(event_types=frozenset({EventType.TEST})))
    assert planned(routing, EventType.TEST) == {}


def test_a_disabled_destination_is_not_notified_and_it_is_on_record() -> None:
    deliveries = planned(table(rule(1, SLACK, PAGER), disabled=frozenset({SLACK})))
    assert deliveries[SLACK].status is SUPPRESSED
    assert deliveries[SLACK].reason is Reason.DESTINATION_DISABLED
    assert deliveries[PAGER].status is QUEUED


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


# What follows a trigger


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


# Silences

MUTED = silence(starts_at=NOW - HOUR, ends_at=NOW + HOUR)


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


def test_a_row_of_the_database_becomes_a_rule() -> None:
    quiet = quiet_hours(breakthrough=Severity.HIGH)
    row = {
        "id": rule_id(1),
        "name": "databases",
        "is_enabled": True,
        "event_types": ["alerts.triggered"],
        "min_severity": "HIGH",
        "tenant_ids": [TENANT],
        "matchers": [{"label": "team", "op": "=~", "value": "db.*"}],
        "destination_ids": [destination_id(1)],
        "cooldown_seconds": 600,
        "cooldown_breakthrough_severity": "CRITICAL",
        "quiet_hours": [window.document() for window in quiet.windows],
        "unless": [[{"label": "labels.type", "op": "=", "value": "test"}]],
        "remind_every_seconds": 3600,
        "group_by": ["service"],
        "group_wait_seconds": 20,
        "group_interval_seconds": 60,
        "group_linger_seconds": 90,
        "escalation_policy_id": rule_id(9),
        "position": 3,
    }
    made = Rule.from_row(row)
    assert made == rule(
        1,
        name="databases",
        event_types=frozenset({EventType.TRIGGERED}),
        min_severity=Severity.HIGH,
        tenant_ids=frozenset({TENANT}),
        matchers=(Matcher("team", "=~", "db.*"),),
        cooldown_seconds=600,
        cooldown_breakthrough_severity=Severity.CRITICAL,
        quiet_hours=quiet,
        unless=(Exemption((Matcher("labels.type", "=", "test"),)),),
        remind_every_seconds=3600,
        grouping=Grouping(("service",), *(timedelta(seconds=each) for each in (20, 60, 90))),
        escalation_policy_id=rule_id(9),
        position=3,
    )
    open_to_all = Rule.from_row(row | {"tenant_ids": None, "min_severity": None})
    assert (open_to_all.tenant_ids, open_to_all.min_severity) == (None, None)
    columns = ("id", "starts_at", "ends_at", "author", "comment", "breakthrough_severity")
    muted = {name: getattr(MUTED, name) for name in columns}
    assert Silence.from_row(muted | {"matchers": [each.document() for each in MUTED.matchers]}) == (
        MUTED
    )


def test_an_exemption_takes_all_its_matchers() -> None:
    small = Exemption((Matcher("severity", "=", "low"), Matcher("team", "=", "db")))
    routing = table(rule(unless=(small,)))
    assert SLACK in planned(routing)
    assert SLACK not in planned(routing, about=subject(severity=Severity.LOW))
    others = subject(severity=Severity.LOW, labels={"team": "web"})
    assert SLACK in planned(routing, about=others)


@pytest.mark.parametrize("matchers", [(), (Matcher("team", "=~", "("),)])
def test_what_cannot_be_understood_exempts_nothing(matchers: tuple[Matcher, ...]) -> None:
    assert SLACK in planned(table(rule(unless=(Exemption(matchers),))))


def test_who_was_notified_of_the_trigger_is_notified_of_the_end_of_what_is_exempt_now() -> None:
    routing = table(rule(unless=(Exemption((Matcher("team", "=", "db"),)),)))
    history = notified(SENT)
    assert planned(routing, EventType.RESOLVED, history)[SLACK].status is QUEUED


def test_the_senders_own_label_of_any_name() -> None:
    own = subject(labels={"severity": "warning", "title": "own"})
    routing = table(rule(matchers=(Matcher("labels.severity", "=", "warning"),)))
    assert SLACK in planned(routing, about=own)
    assert SLACK not in planned(routing)
    assert SLACK not in planned(table(rule(matchers=(Matcher("title", "=", "own"),))), about=own)
    either = table(rule(matchers=(Matcher("labels.title", "=~", "o.*"),)))
    assert SLACK in planned(either, about=own)


def test_own_labels_are_found_by_the_index_of_rules() -> None:
    own = subject(labels={"severity": "warning", "team": "db"})
    many = [
        rule(number, matchers=(Matcher("labels.severity", "=", value),))
        for number, value in enumerate(("warning", "page", "WARNING"), start=1)
    ]
    (made,) = plan(table(*many), EventType.TRIGGERED, own, NO_HISTORY, NOW).deliveries
    assert [each["name"] for each in made.detail["rules"]] == ["rule 1"]
