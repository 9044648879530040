"""Rules, silences and destinations as routing sees them, gathered in one table per workspace.

All of it is immutable: a change of configuration makes a new table, so that whoever holds one
decides by one state of affairs from beginning to end.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from tocsin.model import EventType, Severity
from tocsin.routing.group import Grouping
from tocsin.routing.inhibition import InhibitionIndex, InhibitionRule
from tocsin.routing.judge import Judge
from tocsin.routing.maintenance import MaintenanceWindow, WindowIndex
from tocsin.routing.matchers import (
    BUILT_IN_LABELS,
    Conjunction,
    Matcher,
    label_reader,
    own_name,
)
from tocsin.routing.quiet_hours import QuietHours
from tocsin.routing.recurrence import Occurrence
from tocsin.routing.silences import Silence, SilenceIndex
from tocsin.routing.subject import Subject, alert_key_id

__all__ = [
    "DestinationRef",
    "Exemption",
    "InhibitionRule",
    "MaintenanceWindow",
    "Matcher",
    "RoutingTable",
    "Rule",
    "Silence",
    "Subject",
    "VerdictCode",
    "alert_key_id",
]


class VerdictCode(StrEnum):
    """What a rule says to an alert: the first thing that spoke against it, or that it matches."""

    DISABLED = "disabled"
    EVENT_TYPE = "event_type"
    SEVERITY = "severity"
    TENANT = "tenant"
    MATCHER = "matcher"
    UNLESS = "unless"
    MATCHED = "matched"


@dataclass(frozen=True, slots=True)
class Exemption:
    """A rule does not apply to what all these matchers match. One that could not be compiled exempts
    nothing: in doubt, alert."""

    matchers: tuple[Matcher, ...]
    is_usable: bool = field(init=False, compare=False, repr=False)
    asked: Conjunction = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        usable = bool(self.matchers) and all(each.fault is None for each in self.matchers)
        object.__setattr__(self, "is_usable", usable)
        object.__setattr__(self, "asked", Conjunction.of(self.matchers))

    def covers(self, subject: Subject, judge: Judge) -> bool:
        return self.is_usable and judge.all_match(self.asked, subject)

    def __str__(self) -> str:
        return ", ".join(str(matcher) for matcher in self.matchers)


@dataclass(frozen=True, slots=True)
class Rule:
    """`tenant_ids` None means all; `cooldown_seconds` None or 0 means none, and `remind_every_seconds`
    None never."""

    id: UUID
    name: str
    is_enabled: bool
    event_types: frozenset[EventType]
    min_severity: Severity | None
    tenant_ids: frozenset[UUID] | None
    matchers: tuple[Matcher, ...]
    destination_ids: tuple[UUID, ...]
    cooldown_seconds: int | None = None
    cooldown_breakthrough_severity: Severity | None = None
    quiet_hours: QuietHours | None = None
    unless: tuple[Exemption, ...] = ()
    remind_every_seconds: int | None = None
    grouping: Grouping | None = None
    escalation_policy_id: UUID | None = None
    position: int = 0
    asked: Conjunction = field(init=False, compare=False, repr=False)
    named: Mapping[str, str] = field(init=False, compare=False, repr=False)
    """Its id and name, as what it decided is put on record."""
    is_plain: bool = field(init=False, compare=False, repr=False)
    """Neither the time nor what was said before changes what it does with a trigger."""

    def __post_init__(self) -> None:
        plain = self.quiet_hours is None and not self.cooldown_seconds
        object.__setattr__(self, "is_plain", plain)
        object.__setattr__(self, "named", {"id": str(self.id), "name": self.name})
        object.__setattr__(self, "destination_ids", tuple(dict.fromkeys(self.destination_ids)))
        object.__setattr__(self, "asked", Conjunction.of(self.matchers))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Rule:
        """From a row of `alert_rules`; column names are the keys. An event type or severity that
        this version does not know is a ValueError: migrations keep it from happening."""
        severity, tenants, quiet = row["min_severity"], row["tenant_ids"], row["quiet_hours"]
        breakthrough = row["cooldown_breakthrough_severity"]
        return cls(
            id=row["id"],
            name=row["name"],
            is_enabled=row["is_enabled"],
            event_types=frozenset(EventType(name) for name in row["event_types"]),
            min_severity=None if severity is None else Severity(severity),
            tenant_ids=None if tenants is None else frozenset(tenants),
            matchers=tuple(Matcher.from_document(matcher) for matcher in row["matchers"]),
            destination_ids=tuple(row["destination_ids"]),
            cooldown_seconds=row["cooldown_seconds"],
            cooldown_breakthrough_severity=None if breakthrough is None else Severity(breakthrough),
            quiet_hours=None if quiet is None else QuietHours.from_documents(quiet),
            unless=tuple(
                Exemption(tuple(Matcher.from_document(matcher) for matcher in matchers))
                for matchers in row["unless"]
            ),
            remind_every_seconds=row["remind_every_seconds"],
            grouping=Grouping.from_row(row),
            escalation_policy_id=row["escalation_policy_id"],
            position=row["position"],
        )

    def listens(self, event_type: EventType) -> bool:
        """Whether it is asked of such an event, while it is enabled. Whoever is notified of a trigger
        is reminded of it, and notified that it flaps."""
        if event_type in (EventType.FLAPPING, EventType.SETTLED):
            return EventType.TRIGGERED in self.event_types
        if event_type is EventType.REMINDER:
            return EventType.TRIGGERED in self.event_types and bool(self.remind_every_seconds)
        return event_type in self.event_types

    def matches(self, subject: Subject, judge: Judge) -> bool:
        """Whether nothing speaks against this alert, whatever the event; the cheapest is asked
        first."""
        if self.min_severity is not None and not subject.severity.at_least(self.min_severity):
            return False
        if self.tenant_ids is not None and subject.tenant_id not in self.tenant_ids:
            return False
        if not judge.all_match(self.asked, subject):
            return False
        return not self.unless or not any(each.covers(subject, judge) for each in self.unless)

    def refusal(self, subject: Subject, judge: Judge) -> VerdictCode | Matcher | Exemption | None:
        """What speaks against this alert, whatever the event: a code, the first matcher as written
        that did not match, what exempts it, or nothing."""
        if self.min_severity is not None and not subject.severity.at_least(self.min_severity):
            return VerdictCode.SEVERITY
        if self.tenant_ids is not None and subject.tenant_id not in self.tenant_ids:
            return VerdictCode.TENANT
        for matcher in self.matchers:
            if not judge.matches(matcher, subject):
                return matcher
        return next((each for each in self.unless if each.covers(subject, judge)), None)


@dataclass(frozen=True, slots=True)
class DestinationRef:
    id: UUID
    name: str
    type: str
    is_enabled: bool
    has_group_incidents: bool = False
    """Of PagerDuty: what a rule groups is one incident there."""
    edits_messages: bool = False
    """Of a bot: a group's message is edited as the group changes."""

    @property
    def keeps_incidents(self) -> bool:
        """Each alert is an incident of its own there, which only that alert ends."""
        return self.type == "pagerduty"

    @property
    def takes_groups(self) -> bool:
        """Whether what a rule groups is one message there."""
        return not self.keeps_incidents or self.has_group_incidents


class RuleIndex:
    """Rules, found by the label value that they insist on: of fifty that each ask for a team of their
    own, an alert meets one."""

    __slots__ = ("_always", "_by_rule", "_wanted", "rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._by_rule = {rule.id: (place, rule) for place, rule in enumerate(rules)}
        by_label: dict[str, dict[str, list[tuple[int, Rule]]]] = {}
        self._always: list[tuple[int, Rule]] = []
        for placed in self._by_rule.values():
            insisting = placed[1].asked.insisting
            if insisting is None or insisting.condition.accepted is None:
                self._always.append(placed)
                continue
            by_value = by_label.setdefault(insisting.label, {})
            for value in insisting.condition.accepted:
                by_value.setdefault(value, []).append(placed)
        self._wanted = [(label_reader(label), found) for label, found in by_label.items()]

    def may_match(self, subject: Subject, also: Collection[UUID] = ()) -> Sequence[Rule]:
        """In order, the rules whose wanted value this alert has, and those named by `also`."""
        if not self._wanted:
            return self.rules
        found = list(self._always)
        for read, by_value in self._wanted:
            found += by_value.get(read(subject), ())
        if len(found) < 2 and not also:
            return [rule for _, rule in found]
        placed = dict(found)
        for rule_id in also:
            if rule_id in self._by_rule:
                place, rule = self._by_rule[rule_id]
                placed[place] = rule
        return [placed[place] for place in sorted(placed)]


MATCHED_LABELS = 50
"""That a table knows by name."""


def _matched_labels(rules: Iterable[Rule]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for rule in rules:
        if rule.is_enabled and len(names) < MATCHED_LABELS:
            names |= {
                own_name(matcher.label): None
                for matcher in rule.matchers
                if matcher.label not in BUILT_IN_LABELS
            }
    return tuple(names)[:MATCHED_LABELS]


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Everything one workspace decides by. Rules are kept by position, then id."""

    workspace_id: UUID
    rules: tuple[Rule, ...] = ()
    silences: tuple[Silence, ...] = ()
    windows: tuple[MaintenanceWindow, ...] = ()
    inhibition_rules: tuple[InhibitionRule, ...] = ()
    destinations: Mapping[UUID, DestinationRef] = field(default_factory=dict)
    fallback_destination_id: UUID | None = None
    listening: Mapping[EventType, RuleIndex] = field(init=False, compare=False, repr=False)
    """Enabled rules per event type; an event nobody listens to is not a key."""
    by_id: Mapping[UUID, Rule] = field(init=False, compare=False, repr=False)
    escalates: bool = field(init=False, compare=False, repr=False)
    """Whether a trigger may begin an escalation."""
    has_cooldowns: bool = field(init=False, compare=False, repr=False)
    """Whether planning a trigger needs to know when its alert key was last notified."""
    fan_out: int = field(init=False, compare=False, repr=False)
    """Destinations that one alert may be notified to at most."""
    can_hold: bool = field(init=False, compare=False, repr=False)
    """Whether anything configured may keep a message back."""
    holds_alerts: bool = field(init=False, compare=False, repr=False)
    """The same, of what holds an alert whichever rule asks."""
    matched_labels: tuple[str, ...] = field(init=False, compare=False, repr=False)
    """The senders' labels that enabled rules match on, by the rules' position: messages show them
    first."""
    inhibition: InhibitionIndex = field(init=False, compare=False, repr=False)
    windows_by_id: Mapping[UUID, MaintenanceWindow] = field(init=False, compare=False, repr=False)
    decided: dict[Hashable, Any] = field(init=False, compare=False, repr=False)
    """What was decided by it before and may be decided alike again (`plan.decide`), a few at most."""
    _silences: SilenceIndex = field(init=False, compare=False, repr=False)
    _windows: WindowIndex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        rules = tuple(sorted(self.rules, key=lambda rule: (rule.position, rule.id)))
        by_event: dict[EventType, list[Rule]] = {}
        for rule in rules:
            if rule.is_enabled and (rule.destination_ids or rule.escalation_policy_id):
                for event_type in EventType:
                    # Test messages take a road of their own; no rule sends them.
                    if event_type is not EventType.TEST and rule.listens(event_type):
                        by_event.setdefault(event_type, []).append(rule)
        listening = {event_type: RuleIndex(heard) for event_type, heard in by_event.items()}
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "by_id", {rule.id: rule for rule in rules})
        object.__setattr__(self, "silences", tuple(self.silences))
        object.__setattr__(self, "destinations", MappingProxyType(dict(self.destinations)))
        object.__setattr__(self, "listening", MappingProxyType(listening))
        reached = {
            id for heard in by_event.values() for rule in heard for id in rule.destination_ids
        }
        object.__setattr__(self, "fan_out", len(reached))
        triggered = by_event.get(EventType.TRIGGERED, ())
        escalates = any(rule.escalation_policy_id for rule in triggered)
        object.__setattr__(self, "escalates", escalates)
        cooling = any(rule.cooldown_seconds for rule in triggered)
        quiet = any(rule.quiet_hours is not None for rule in rules)
        object.__setattr__(self, "has_cooldowns", cooling)
        held = bool(self.silences or self.windows or self.inhibition_rules)
        object.__setattr__(self, "holds_alerts", held)
        object.__setattr__(self, "matched_labels", _matched_labels(rules))
        gathering = any(rule.grouping is not None for rule in rules)
        object.__setattr__(self, "can_hold", cooling or quiet or gathering or held)
        object.__setattr__(self, "_silences", SilenceIndex(self.silences))
        object.__setattr__(self, "inhibition", InhibitionIndex(self.inhibition_rules))
        object.__setattr__(self, "windows", tuple(self.windows))
        object.__setattr__(self, "_windows", WindowIndex(self.windows))
        object.__setattr__(self, "windows_by_id", self._windows.by_id)
        object.__setattr__(self, "decided", {})

    def listens(self, event_type: EventType) -> bool:
        """Whether anything at all could come of this event; False spares looking up its history."""
        return event_type in self.listening

    def silence_for(self, subject: Subject, now: datetime, judge: Judge) -> Silence | None:
        """The silence that holds this alert now; of several, the one that lasts longest."""
        return self._silences.longest(subject, now, judge) if self.silences else None

    def window_for(
        self, subject: Subject, now: datetime, judge: Judge
    ) -> tuple[MaintenanceWindow, Occurrence] | None:
        """The window that holds this alert now, and which occurrence; of several, the one that lasts
        longest."""
        return self._windows.longest(subject, now, judge) if self.windows else None
