"""Inhibition inside the transaction that changes alerts: where they stand is written, and by what they
are held is read, under locks of its own.

Only workspaces with inhibition rules pay for any of it. What holds or is held stands in the database, so
that a restart or another node changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.alerts.changes import AlertChange, AlertDetails
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.routing.inhibition import NO_KEYS, InhibitionKeys, InhibitionRule
from tocsin.routing.subject import InhibitionWait, Inhibitor, Subject
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe, Row
from tocsin.store.statements import prepared


@dataclass(slots=True)
class Inhibited:
    """By what alerts are held, and how long their triggers wait."""

    inhibitors: dict[bytes, list[Inhibitor]] = field(default_factory=dict)
    waits: dict[bytes, tuple[InhibitionWait, ...]] = field(default_factory=dict)

    def subject(self, change: AlertChange, details: AlertDetails) -> Subject:
        """What rules and holds look at."""
        subject = change.subject(details)
        if found := self.inhibitors.get(change.alert.id):
            subject.inhibitors = tuple(found)
        subject.inhibition_waits = self.waits.get(change.alert.id, ())
        return subject


@dataclass(frozen=True, slots=True)
class _StoredSource:
    rule_id: UUID
    targets: frozenset[UUID]
    ended: bool


@dataclass(slots=True)
class _Stored:
    """Where an alert stood, by an earlier transaction."""

    sources: dict[UUID, _StoredSource] = field(default_factory=dict)
    targets: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Added:
    key: UUID
    alert_id: bytes
    rule_id: UUID
    targets: frozenset[UUID]
    title: str


@dataclass(frozen=True, slots=True)
class _EndedSource:
    key: UUID
    alert_id: bytes
    look_at: datetime


@dataclass(frozen=True, slots=True)
class _Asked:
    """By what is this alert held, of the sources of this key?"""

    alert_id: bytes
    key: UUID
    rule: InhibitionRule
    own: frozenset[UUID]


@dataclass(slots=True)
class _Work:
    """What one transaction has to write, lock and read."""

    now: datetime
    added: list[_Added] = field(default_factory=list)
    ended: list[_EndedSource] = field(default_factory=list)
    targets: list[tuple[UUID, bytes]] = field(default_factory=list)
    former_targets: list[tuple[UUID, bytes]] = field(default_factory=list)
    asked: list[_Asked] = field(default_factory=list)
    alone: set[UUID] = field(default_factory=set)
    """Keys to be locked for itself alone: what a source held by them, it may hold no longer."""

    def compare(
        self, change: AlertChange, title: str, keys: InhibitionKeys, stored: _Stored
    ) -> None:
        """Where an alert stands now, beside where it stood."""
        alert_id, rules = change.alert.id, change.entry.routing.inhibition.by_id
        as_target = frozenset(keys.as_target)
        for key, rule in keys.as_source.items():
            before = stored.sources.get(key)
            if before is None or before.ended or before.targets != as_target:
                self.added.append(_Added(key, alert_id, rule.id, as_target, title))
                if before is not None and not before.ended:
                    self.alone.add(key)
        for key, source in stored.sources.items():
            if key not in keys.as_source and not source.ended:
                former = rules.get(source.rule_id)
                look_at = self.now if former is None else self.now + former.grace
                self.ended.append(_EndedSource(key, alert_id, look_at))
                self.alone.add(key)
        self.targets += [(key, alert_id) for key in as_target - stored.targets]
        self.former_targets += [(key, alert_id) for key in stored.targets - as_target]
        own = frozenset(keys.as_source)
        self.asked += [_Asked(alert_id, key, rule, own) for key, rule in keys.as_target.items()]

    def calls(self) -> list[Call]:
        """All of it, in order; the last answers what is asked."""
        calls: list[Call] = []
        if locks := self._locks():
            calls.append((prepared("lock_inhibition"), locks))
        if self.added:
            calls.append((prepared("add_inhibition_sources"), self._added()))
        if self.ended:
            calls.append((prepared("end_inhibition_sources"), self._ended()))
        if self.former_targets:
            calls.append((prepared("remove_inhibition_targets"), _pairs(self.former_targets)))
        if self.targets:
            calls.append((prepared("add_inhibition_targets"), _pairs(self.targets)))
        if self.asked:
            calls.append((prepared("read_inhibitors"), self._questions()))
        return calls

    def _locks(self) -> Mapping[str, Any] | None:
        alone = {_lock(key) for key in self.alone}
        every = sorted(alone | {_lock(each.key) for each in self.asked})
        if not every:
            return None
        return {
            "locks": arrays.bigints(every),
            "alone": arrays.integers([int(lock in alone) for lock in every]),
        }

    def _added(self) -> Mapping[str, Any]:
        return {
            "keys": arrays.uuids([each.key.bytes for each in self.added]),
            "alert_ids": arrays.uuids([each.alert_id for each in self.added]),
            "rule_ids": arrays.uuids([each.rule_id.bytes for each in self.added]),
            "targets": arrays.texts([_set(each.targets) for each in self.added]),
            "titles": arrays.texts([each.title for each in self.added]),
            "now": self.now,
        }

    def _ended(self) -> Mapping[str, Any]:
        return {
            "keys": arrays.uuids([each.key.bytes for each in self.ended]),
            "alert_ids": arrays.uuids([each.alert_id for each in self.ended]),
            "look_at": arrays.times([each.look_at for each in self.ended]),
            "now": self.now,
        }

    def _questions(self) -> Mapping[str, Any]:
        return {
            "alert_ids": arrays.uuids([each.alert_id for each in self.asked]),
            "keys": arrays.uuids([each.key.bytes for each in self.asked]),
            "owns": arrays.texts([_set(each.own) for each in self.asked]),
            "since": arrays.times([self.now - each.rule.grace for each in self.asked]),
        }


async def inhibit(
    pipe: Pipe,
    changes: Sequence[AlertChange],
    details: Mapping[bytes, AlertDetails],
    budgets: MatchingBudgets,
    now: datetime,
) -> Inhibited:
    """Write where alerts stand in the end, each change the last of its alert, and read by what those
    that are live are held. Their keys are locked; so are, from here on, those of inhibition."""
    found = Inhibited()
    stored = await _read_stored(pipe, [each.alert.id for each in changes if each.has_history])
    work = _Work(now)
    for change in changes:
        alert, of_alert = change.alert, details[change.alert.id]
        keys = NO_KEYS
        if alert.status.is_live:
            judge = budgets.of(change.entry.workspace_id)
            keys = change.entry.routing.inhibition.keys_of(change.subject(of_alert), judge)
            found.waits[alert.id] = keys.waits(alert.severity, of_alert.created_at)
        work.compare(change, of_alert.title, keys, stored.get(alert.id) or _Stored())
    calls = work.calls()
    if calls:
        results = await pipe.run(*calls)
        _tell(found, work.asked, results[-1] if work.asked else ())
    return found


async def _read_stored(pipe: Pipe, alert_ids: Sequence[bytes]) -> dict[bytes, _Stored]:
    stored: dict[bytes, _Stored] = {}
    if not alert_ids:
        return stored
    asked = {"ids": arrays.uuids(sorted(alert_ids))}
    (rows,) = await pipe.run((prepared("read_inhibition"), asked))
    for row in rows:
        of_alert = stored.setdefault(row.alert_id.bytes, _Stored())
        if row.is_source:
            source = _StoredSource(
                row.inhibition_rule_id, frozenset(row.targets), row.ended_at is not None
            )
            of_alert.sources[row.key] = source
        else:
            of_alert.targets.add(row.key)
    return stored


def _tell(found: Inhibited, asked: Sequence[_Asked], rows: Iterable[Row]) -> None:
    for row in rows:
        question = asked[row.place]
        inhibitor = Inhibitor(
            rule_id=question.rule.id,
            rule_name=question.rule.name,
            alert_id=row.alert_id,
            title=row.title,
            since=row.since,
            until=None if row.ended_at is None else row.ended_at + question.rule.grace,
        )
        found.inhibitors.setdefault(question.alert_id, []).append(inhibitor)


def _lock(key: UUID) -> int:
    return int.from_bytes(key.bytes[:8], signed=True)


def _set(keys: Iterable[UUID]) -> str:
    """An array of uuids, for a cast in the statement."""
    return "{" + ",".join(sorted(map(str, keys))) + "}"


def _pairs(pairs: Sequence[tuple[UUID, bytes]]) -> Mapping[str, Any]:
    ordered = sorted((key.bytes, alert_id) for key, alert_id in pairs)
    return {
        "keys": arrays.uuids([key for key, _ in ordered]),
        "alert_ids": arrays.uuids([alert_id for _, alert_id in ordered]),
    }
