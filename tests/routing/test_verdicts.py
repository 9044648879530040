from __future__ import annotations

import pytest

from tests.routing.builders import (
    GONE,
    NOW,
    OTHER_TENANT,
    SLACK,
    quiet_hours,
    rule,
    subject,
    table,
)
from tocsin.model import EventType, Severity
from tocsin.routing.plan import Verdict, verdicts
from tocsin.routing.rules import Exemption, Matcher, Rule, VerdictCode

LISTENING = frozenset({EventType.TRIGGERED, EventType.RESOLVED})


def verdict(one: Rule, event_type: EventType = EventType.TRIGGERED) -> Verdict:
    (only,) = verdicts(table(one), event_type, subject(), NOW)
    return only


@pytest.mark.parametrize(
    ("one", "code", "words"),
    [
        (rule(), VerdictCode.MATCHED, "matches"),
        (rule(is_enabled=False), VerdictCode.DISABLED, "the rule is switched off"),
        (
            rule(min_severity=Severity.CRITICAL),
            VerdictCode.SEVERITY,
            "the alert is HIGH; the rule asks for CRITICAL or worse",
        ),
        (
            rule(tenant_ids=frozenset({OTHER_TENANT})),
            VerdictCode.TENANT,
            "the alert belongs to a tenant the rule is not for",
        ),
        (
            rule(matchers=(Matcher("team", "=", "web"),)),
            VerdictCode.MATCHER,
            'the rule asks for team="web"; the alert\'s label team is “db”',
        ),
        (
            rule(matchers=(Matcher("team", "=", "db"), Matcher("region", "=~", "eu-.*"))),
            VerdictCode.MATCHER,
            'the rule asks for region=~"eu-.*"; the alert has no label region',
        ),
        (
            rule(matchers=(Matcher("title", "!~", ".*full.*"),)),
            VerdictCode.MATCHER,
            'the rule asks for title!~".*full.*"; the alert\'s title is “Disk almost full on db-7”',
        ),
        (
            rule(matchers=(Matcher("labels.region", "=", "eu"),)),
            VerdictCode.MATCHER,
            'the rule asks for labels.region="eu"; the alert has no label region',
        ),
        (
            rule(
                unless=(
                    Exemption((Matcher("team", "=", "web"),)),
                    Exemption((Matcher("team", "=", "db"), Matcher("severity", "!=", "CRITICAL"))),
                )
            ),
            VerdictCode.UNLESS,
            'the rule exempts what matches team="db", severity!="CRITICAL"',
        ),
        (rule(destination_ids=()), VerdictCode.MATCHED, "matches, but names no destination"),
        (
            rule(1, GONE),
            VerdictCode.MATCHED,
            f"matches, but every destination it names is gone ({GONE})",
        ),
        (
            rule(1, SLACK, GONE),
            VerdictCode.MATCHED,
            f"matches; of the destinations it names, these are gone: {GONE}",
        ),
    ],
)
def test_each_rule_says_what_decided(one: Rule, code: VerdictCode, words: str) -> None:
    said = verdict(one)
    assert (said.code, said.words, said.matched) == (code, words, code is VerdictCode.MATCHED)


def test_an_event_nobody_listens_to() -> None:
    said = verdict(rule(event_types=LISTENING), EventType.CLOSED)
    assert said.code is VerdictCode.EVENT_TYPE
    assert said.words == (
        "the rule does not listen to alerts.closed, only to alerts.resolved, alerts.triggered"
    )


def test_the_deciding_matcher_and_the_destinations_are_named() -> None:
    deciding = Matcher("team", "=", "web")
    said = verdict(rule(1, SLACK, GONE, matchers=(Matcher("host", "=", "db-7"), deciding)))
    assert said.matcher is deciding
    document = said.document()
    assert document["matcher"] == {"label": "team", "op": "=", "value": "web"}
    assert document["missing_destination_ids"] == [str(GONE)]


def test_a_rule_reminds_of_what_it_notifies_of() -> None:
    assert verdict(rule(remind_every_seconds=60), EventType.REMINDER).matched
    only_ends = rule(remind_every_seconds=60, event_types=frozenset({EventType.RESOLVED}))
    for one in (rule(), only_ends):
        assert not (said := verdict(one, EventType.REMINDER)).matched
        assert said.words == "the rule does not remind of what is still open"


def test_quiet_hours_are_part_of_the_verdict() -> None:
    said = verdict(rule(quiet_hours=quiet_hours("11:00", "14:00")))
    assert said.document()["quiet_until"] == "2026-05-13T14:00:00Z"
    through = quiet_hours("11:00", "14:00", breakthrough=Severity.HIGH)
    assert verdict(rule(quiet_hours=through)).quiet_until is None


def test_a_long_value_is_cut_in_words() -> None:
    about = subject({"team": "x" * 500})
    one = rule(matchers=(Matcher("team", "=", "db"),))
    (said,) = verdicts(table(one), EventType.TRIGGERED, about, NOW)
    assert said.words.endswith(f"“{'x' * 120}…”")
