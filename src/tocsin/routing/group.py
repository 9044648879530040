"""Groups: several alerts in one message, and when it goes. Pure.

A rule may gather what it sends: by labels, per destination and tenant. The first alert of a group waits
a moment for others; then there is at most one message per interval, but at once when an alert appears
that is worse than all that the last message showed as open, or when all are over. A group that has
been over for its linger time has ended; what comes back within it joins again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

from msgspec import Struct

from tocsin.model import Severity
from tocsin.routing.matchers import read_label
from tocsin.routing.subject import Subject

IDLE = timedelta(hours=1)
"""So often a group is looked at that has nothing to say."""

EDITED = timedelta(seconds=30)
"""The interval, at most, where a message takes the place of the one before without a sound."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """How a rule gathers. `by` are labels, as matchers name them; none: all that the rule sends."""

    by: tuple[str, ...]
    wait: timedelta = timedelta(seconds=30)
    interval: timedelta = timedelta(seconds=300)
    linger: timedelta = timedelta(seconds=600)

    def where_edited(self) -> Grouping:
        """The same, for a destination that keeps one message up to date."""
        return replace(self, interval=min(self.interval, EDITED))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Grouping | None:
        """From a row of `alert_rules`; None for one that does not gather."""
        if row["group_by"] is None:
            return None
        return cls(
            tuple(row["group_by"]),
            timedelta(seconds=row["group_wait_seconds"]),
            timedelta(seconds=row["group_interval_seconds"]),
            timedelta(seconds=row["group_linger_seconds"]),
        )


class GroupKind(StrEnum):
    """What gathers: a rule, the end of a maintenance window, a rate that is exceeded, or one person who
    is paged more often than they can read."""

    RULE = "rule"
    STORM = "storm"
    MAINTENANCE = "maintenance"
    PAGES = "pages"


AFTER_MAINTENANCE = timedelta(seconds=3)
"""So long one message for all that is still open waits for others that the window held."""


class GroupKey(Struct, frozen=True):
    """Which group an alert belongs to at one destination. `id` is the same wherever it is asked for;
    `labels` are what its alerts share, empty where they lack one; after maintenance, its name and when
    it began."""

    id: UUID
    rule_id: UUID
    destination_id: UUID
    tenant_id: UUID
    labels: Mapping[str, str]
    kind: GroupKind = GroupKind.RULE
    wait: timedelta = timedelta()
    """So long the first alert waits for others, as far as that is known beforehand."""

    @classmethod
    def after_maintenance(
        cls, window: Mapping[str, Any], rule_id: UUID, destination_id: UUID, tenant_id: UUID
    ) -> GroupKey:
        """For all that one occurrence of a window held; `window` as the hold's evidence has it."""
        occurrence = f"{window['id']} {window['starts_at']}"
        digest = hashlib.sha256(occurrence.encode() + destination_id.bytes + tenant_id.bytes)
        id = UUID(bytes=digest.digest()[:16])
        labels = {"name": window["name"], "since": window["starts_at"]}
        return cls(id, rule_id, destination_id, tenant_id, labels, GroupKind.MAINTENANCE)

    @classmethod
    def of(
        cls, grouping: Grouping, rule_id: UUID, destination_id: UUID, subject: Subject
    ) -> GroupKey:
        labels = tuple([(label, read_label(subject, label)) for label in grouping.by])
        return _by_rule(rule_id, destination_id, subject.tenant_id, labels, grouping.wait)

    def document(self) -> dict[str, Any]:
        return {"id": str(self.id), "kind": self.kind.value, "labels": dict(self.labels)}


@lru_cache(1_024)
def _by_rule(
    rule_id: UUID,
    destination_id: UUID,
    tenant_id: UUID,
    labels: tuple[tuple[str, str], ...],
    wait: timedelta,
) -> GroupKey:
    """Remembered, because what is gathered comes many at a time."""
    digest = hashlib.sha256(rule_id.bytes + destination_id.bytes + tenant_id.bytes)
    for text in chain.from_iterable(labels):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4) + encoded)
    id = UUID(bytes=digest.digest()[:16])
    return GroupKey(id, rule_id, destination_id, tenant_id, dict(labels), GroupKind.RULE, wait)


@dataclass(frozen=True, slots=True)
class GroupState:
    """What is remembered of a group. `told` is the worst that its last message showed as open; `over_at`
    is set while all are over."""

    last_sent_at: datetime | None = None
    told: Severity | None = None
    over_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """How a group stands: `waiting` messages since the time `since`, the `worst` alert newly triggered
    among them; `is_open` counts alerts that are live and in a message or waiting for one, `told_open`
    those that are in one; `last_end` is when the last of these ended."""

    waiting: int = 0
    since: datetime | None = None
    worst: Severity | None = None
    is_open: int = 0
    told_open: int = 0
    last_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Now. `begins`: it is the first message of a new group."""

    begins: bool


@dataclass(frozen=True, slots=True)
class SendAt:
    """There is something to say, at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Rest:
    """There is nothing to say; to be looked at again at `until`."""

    until: datetime
    over_at: datetime | None


@dataclass(frozen=True, slots=True)
class End:
    """The group has ended."""


Decision = Send | SendAt | Rest | End


def decide(grouping: Grouping, state: GroupState, facts: GroupFacts, now: datetime) -> Decision:
    """What a group does at `now`."""
    over_at = _over_at(state, facts)
    if facts.since is None or not facts.waiting:
        return _rest(grouping, state, facts, over_at, now)
    begins = state.last_sent_at is None or (
        over_at is not None and facts.since - over_at > grouping.linger
    )
    at = _due(grouping, state, facts, begins)
    return Send(begins) if at <= now else SendAt(at)


def _over_at(state: GroupState, facts: GroupFacts) -> datetime | None:
    """Since when all that it has sent a message about is over."""
    if state.last_sent_at is None or facts.told_open:
        return None
    return state.over_at or facts.last_end or state.last_sent_at


def _rest(
    grouping: Grouping,
    state: GroupState,
    facts: GroupFacts,
    over_at: datetime | None,
    now: datetime,
) -> Decision:
    if facts.is_open:
        return Rest(now + IDLE, None)
    if over_at is None or over_at + grouping.linger <= now:
        return End()
    return Rest(over_at + grouping.linger, over_at)


def _due(grouping: Grouping, state: GroupState, facts: GroupFacts, begins: bool) -> datetime:
    assert facts.since is not None
    if begins or state.last_sent_at is None:
        at_once = facts.worst is Severity.CRITICAL
        return facts.since if at_once else facts.since + grouping.wait
    rose = facts.worst is not None and (
        state.told is None or facts.told_open == 0 or facts.worst.rank > state.told.rank
    )
    if rose or not facts.is_open:
        return facts.since
    return state.last_sent_at + grouping.interval
