"""What a rule or a silence would do, tried on past alerts before anyone relies on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tocsin.routing.matchers import Matcher
from tocsin.routing.rules import Rule, Silence, Subject, VerdictCode
from tocsin.routing.verdicts import judge_alert


@dataclass(frozen=True, slots=True)
class Preview:
    """One past alert and what the rule says to it; `matcher` is the one that decided."""

    subject: Subject
    matched: bool
    code: VerdictCode
    words: str
    matcher: Matcher | None


def matching(rule: Rule, subjects: Iterable[Subject]) -> list[Preview]:
    """What the rule says to each alert by severity, tenant and matchers. Neither being switched
    off nor the event types count: a preview is asked before the rule is in force, of alerts that
    have been through every event."""
    return [_preview(rule, subject) for subject in subjects]


def _preview(rule: Rule, subject: Subject) -> Preview:
    code, matcher, words = judge_alert(rule, subject)
    return Preview(subject, code is VerdictCode.MATCHED, code, words, matcher)


def silenced(silence: Silence, subjects: Iterable[Subject]) -> list[Subject]:
    """The alerts the silence would mute while it is active, in the order given."""
    return [subject for subject in subjects if silence.covers(subject)]
