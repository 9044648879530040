"""What a rule or a silence would do, tried on past alerts before anyone relies on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from tocsin.explain.load import subject_of
from tocsin.model import Fault, Severity, uuid7
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import Matcher, read_label
from tocsin.routing.rules import Exemption, Rule, Silence, VerdictCode
from tocsin.routing.subject import Subject
from tocsin.routing.validation import validate_matchers, validate_silence, validate_unless
from tocsin.routing.verdicts import judge_alert
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alerts import PastAlert, alerts_since
from tocsin.turns import aside

MOST_CONSIDERED = 5_000

MOST_WORK = 1_000_000_000
"""Units of matching (see `routing.judge`) in one preview: a second at worst."""


def draft_rule(
    matchers: Sequence[Mapping[str, Any]],
    min_severity: Severity | None,
    tenant_ids: Sequence[UUID] | None,
    unless: list[list[dict[str, Any]]] | None = None,
) -> Rule | Sequence[Fault]:
    """A rule of which nothing counts but what it matches, or what is wrong with it."""
    if faults := [*validate_matchers(matchers), *validate_unless(unless or [])]:
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
        unless=tuple(
            Exemption(tuple(Matcher.from_document(document) for document in documents))
            for documents in unless or []
        ),
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

    alert: PastAlert
    code: VerdictCode
    words: str
    matcher: Matcher | None

    @property
    def matched(self) -> bool:
        return self.code is VerdictCode.MATCHED


@dataclass(frozen=True, slots=True)
class PastAlerts:
    """The newest alerts of some days, newest first; `are_all` if there are no more of them."""

    since: datetime
    alerts: Sequence[PastAlert]
    are_all: bool


async def past_alerts(session: DatabaseSession, workspace_id: UUID, since: datetime) -> PastAlerts:
    found = await alerts_since(session, workspace_id, since, MOST_CONSIDERED + 1)
    return PastAlerts(since, found[:MOST_CONSIDERED], len(found) <= MOST_CONSIDERED)


SOON = timedelta(minutes=3)
"""What is over within this was over before anybody could have done anything."""


def over_soon(alerts: Iterable[PastAlert]) -> int:
    """How many of them lasted no longer than `SOON`."""
    return sum(
        min(ends) - alert.triggered_at <= SOON
        for alert in alerts
        if (ends := [end for end in (alert.resolved_at, alert.closed_at) if end is not None])
    )


def count_groups(alerts: Iterable[PastAlert], by: Sequence[str]) -> int:
    """How many groups they make by these labels; tenants are never in one."""
    subjects = [(alert, subject_of(alert, alert.source_type)) for alert in alerts]
    return len(
        {
            (alert.tenant_id, *(read_label(subject, label) for label in by))
            for alert, subject in subjects
        }
    )


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """`refusals` counts the misses by what spoke against them."""

    considered: int
    matched: Sequence[PastAlert]
    misses: Sequence[Preview]
    refusals: Mapping[VerdictCode, int]


async def try_rule(rule: Rule, past: PastAlerts) -> RuleOutcome:
    """What the rule says to each alert by severity, tenant and matchers, as far as `MOST_WORK`
    reaches. Neither being switched off nor the event types count: a preview is asked before the rule
    is in force, of alerts that have been through every event."""
    judged: list[Preview] = []
    await aside(_judge_all(rule, past.alerts, judged))
    misses = [preview for preview in judged if not preview.matched]
    return RuleOutcome(
        considered=len(judged),
        matched=[preview.alert for preview in judged if preview.matched],
        misses=misses,
        refusals=Counter(preview.code for preview in misses),
    )


def _judge_all(rule: Rule, alerts: Sequence[PastAlert], judged: list[Preview]) -> Iterator[None]:
    judge = Judge(MOST_WORK)
    for alert in alerts:
        code, matcher, words = judge_alert(rule, subject_of(alert, alert.source_type), judge)
        if judge.is_overdrawn:
            return
        judged.append(Preview(alert, code, words, matcher))
        yield


class Covering(Protocol):
    """A silence or a window."""

    def covers(self, subject: Subject, judge: Judge) -> bool: ...


@dataclass(frozen=True, slots=True)
class CoverOutcome:
    considered: int
    held: Sequence[PastAlert]


async def try_cover(hold: Covering, alerts: Sequence[PastAlert]) -> CoverOutcome:
    """Which alerts it holds while it is in force, as far as `MOST_WORK` reaches."""
    judged: list[bool] = []
    await aside(_cover_all(hold, alerts, judged))
    held = [alert for alert, covered in zip(alerts, judged, strict=False) if covered]
    return CoverOutcome(len(judged), held)


def _cover_all(hold: Covering, alerts: Sequence[PastAlert], judged: list[bool]) -> Iterator[None]:
    judge = Judge(MOST_WORK)
    for alert in alerts:
        covered = hold.covers(subject_of(alert, alert.source_type), judge)
        if judge.is_overdrawn:
            return
        judged.append(covered)
        yield
