"""What each rule says to an alert, and why, in words for the person who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.model import EventType, optional_iso
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import BUILT_IN_LABELS, Matcher, own_name, read_label
from tocsin.routing.rules import Exemption, RoutingTable, Rule, Subject, VerdictCode

_SHOWN = 120
"""Characters of a sender's value quoted in an explanation."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`matcher` is the one that decided. `missing_destination_ids` are destinations the rule names
    that no longer exist; `quiet_until` is set where it matched and its quiet hours hold it back."""

    rule_id: UUID
    rule_name: str
    matched: bool
    code: VerdictCode
    words: str
    matcher: Matcher | None = None
    destination_ids: tuple[UUID, ...] = ()
    missing_destination_ids: tuple[UUID, ...] = ()
    quiet_until: datetime | None = None

    def document(self) -> dict[str, Any]:
        return {
            "rule_id": str(self.rule_id),
            "rule_name": self.rule_name,
            "matched": self.matched,
            "code": self.code.value,
            "words": self.words,
            "matcher": None if self.matcher is None else self.matcher.document(),
            "destination_ids": [str(each) for each in self.destination_ids],
            "missing_destination_ids": [str(each) for each in self.missing_destination_ids],
            "quiet_until": optional_iso(self.quiet_until),
        }


def verdicts(
    table: RoutingTable,
    event_type: EventType,
    subject: Subject,
    now: datetime,
    judge: Judge | None = None,
) -> list[Verdict]:
    """What every rule of the table, switched on or off, says to this event, in order."""
    judge = judge or Judge()
    return [_judge(table, rule, event_type, subject, now, judge) for rule in table.rules]


def judge_alert(
    rule: Rule, subject: Subject, judge: Judge
) -> tuple[VerdictCode, Matcher | None, str]:
    """What a rule says to an alert as such, whether or not it is switched on or listens."""
    refusal = rule.refusal(subject, judge)
    if refusal is None:
        return VerdictCode.MATCHED, None, "matches"
    if isinstance(refusal, Matcher):
        return VerdictCode.MATCHER, refusal, _mismatch(refusal, subject)
    if isinstance(refusal, Exemption):
        return VerdictCode.UNLESS, None, f"the rule exempts what matches {refusal}"
    if refusal is VerdictCode.SEVERITY and rule.min_severity is not None:
        severity, least = subject.severity.value, rule.min_severity.value
        return refusal, None, f"the alert is {severity}; the rule asks for {least} or worse"
    return refusal, None, "the alert belongs to a tenant the rule is not for"


def _judge(
    table: RoutingTable,
    rule: Rule,
    event_type: EventType,
    subject: Subject,
    now: datetime,
    judge: Judge,
) -> Verdict:
    code, matcher, words = _judge_event(rule, event_type) or judge_alert(rule, subject, judge)
    missing = tuple(each for each in rule.destination_ids if each not in table.destinations)
    matched = code is VerdictCode.MATCHED
    quiet_until = None
    if matched:
        if rule.quiet_hours is not None:
            quiet_until = rule.quiet_hours.hold(subject.severity, now)
        words = _with_consequences(words, rule, missing)
    return Verdict(
        rule_id=rule.id,
        rule_name=rule.name,
        matched=matched,
        code=code,
        words=words,
        matcher=matcher,
        destination_ids=rule.destination_ids,
        missing_destination_ids=missing,
        quiet_until=quiet_until,
    )


def _judge_event(rule: Rule, event_type: EventType) -> tuple[VerdictCode, None, str] | None:
    if not rule.is_enabled:
        return VerdictCode.DISABLED, None, "the rule is switched off"
    if event_type is EventType.REMINDER and not rule.listens(event_type):
        return VerdictCode.EVENT_TYPE, None, "the rule does not remind of what is still open"
    if not rule.listens(event_type):
        heard = ", ".join(sorted(each.value for each in rule.event_types)) or "nothing"
        words = f"the rule does not listen to {event_type.value}, only to {heard}"
        return VerdictCode.EVENT_TYPE, None, words
    return None


def _with_consequences(words: str, rule: Rule, missing: tuple[UUID, ...]) -> str:
    if not rule.destination_ids:
        return f"{words}, but names no destination"
    if not missing:
        return words
    gone = ", ".join(str(each) for each in missing)
    if len(missing) == len(rule.destination_ids):
        return f"{words}, but every destination it names is gone ({gone})"
    return f"{words}; of the destinations it names, these are gone: {gone}"


def _mismatch(matcher: Matcher, subject: Subject) -> str:
    value = read_label(subject, matcher.label)
    if matcher.label in BUILT_IN_LABELS:
        what = f"the alert's {matcher.label} is {_quoted(value)}"
    elif (name := own_name(matcher.label)) in subject.labels:
        what = f"the alert's label {name} is {_quoted(value)}"
    else:
        what = f"the alert has no label {name}"
    return f"the rule asks for {matcher}; {what}"


def _quoted(value: str) -> str:
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return f"“{shown}”"
