"""Which rules speak, and that a destination is notified once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.routing.builders import (
    GONE,
    HOUR,
    NOW,
    OTHER_TENANT,
    PAGER,
    QUEUED,
    SENT,
    SLACK,
    SUPPRESSED,
    TENANT,
    destination_id,
    notified,
    planned,
    quiet_hours,
    rule,
    rule_id,
    silence,
    subject,
    table,
)
from tocsin.model import EventType, Reason, Severity
from tocsin.routing.group import Grouping
from tocsin.routing.plan import NO_HISTORY, NOTHING, plan
from tocsin.routing.rules import Exemption, Matcher, Rule, Silence

MUTED = silence(starts_at=NOW - HOUR, ends_at=NOW + HOUR)


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
