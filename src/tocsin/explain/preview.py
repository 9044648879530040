"""What a rule or a silence would do, tried on past alerts before anyone relies on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.explain.load import subject_of
from tocsin.model import Fault, Severity, uuid7
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import Matcher
from tocsin.routing.rules import Rule, Silence, Subject, VerdictCode
from tocsin.routing.validation import validate_matchers, validate_silence
from tocsin.routing.verdicts import judge_alert
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alerts import alerts_since
from tocsin.store.tables import Alert

MOST_CONSIDERED = 5_000


def draft_rule(
    matchers: Sequence[Mapping[str, Any]],
    min_severity: Severity | None,
    tenant_ids: Sequence[UUID] | None,
) -> Rule | Sequence[Fault]:
    """A rule of which nothing counts but what it matches, or what is wrong with it."""
    if faults := validate_matchers(matchers):
        return faults
    return Rule(
        id=uuid7(),
        name="preview",
        is_enabled=True,
        event_types=frozenset(),
        min_severity=min_severity,
        tenant_ids=None if tenant_ids is None else frozenset(tenant_ids),
        matchers=tuple(Matcher.from_document(document) for document in matchers),
        destination_ids=(),
    )


def draft_silence(
    matchers: Sequence[Mapping[str, Any]], now: datetime
) -> Silence | Sequence[Fault]:
    """A silence of which nothing counts but what it matches, or what is wrong with it."""
    ends_at = now + timedelta(days=1)
    if faults := validate_silence(matchers, now, ends_at, now):
        return faults
    return Silence(
        id=uuid7(),
        matchers=tuple(Matcher.from_document(document) for document in matchers),
        starts_at=now,
        ends_at=ends_at,
        author="preview",
        comment="",
    )


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
    judge = Judge()
    return [subject for subject in subjects if silence.covers(subject, judge)]


@dataclass(frozen=True, slots=True)
class PastAlerts:
    """The newest alerts of some days, newest first, and what rules see of each."""

    since: datetime
    alerts: Sequence[Alert]
    subjects: Sequence[Subject]


async def past_alerts(session: DatabaseSession, workspace_id: UUID, since: datetime) -> PastAlerts:
    found = await alerts_since(session, workspace_id, since, MOST_CONSIDERED)
    return PastAlerts(
        since,
        [past.alert for past in found],
        [subject_of(past.alert, past.source_type) for past in found],
    )


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """`refusals` counts the misses by what spoke against them."""

    matched: Sequence[Alert]
    misses: Sequence[tuple[Preview, Alert]]
    refusals: Mapping[VerdictCode, int]


def try_rule(rule: Rule, past: PastAlerts) -> RuleOutcome:
    judged = list(zip(matching(rule, past.subjects), past.alerts, strict=True))
    misses = [(preview, alert) for preview, alert in judged if not preview.matched]
    return RuleOutcome(
        matched=[alert for preview, alert in judged if preview.matched],
        misses=misses,
        refusals=Counter(preview.code for preview, _ in misses),
    )


def try_silence(silence: Silence, past: PastAlerts) -> list[Alert]:
    """Those that it would have muted."""
    muted = {subject.alert_id for subject in silenced(silence, past.subjects)}
    return [alert for alert in past.alerts if alert.id in muted]
