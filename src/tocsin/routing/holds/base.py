"""What a hold is asked, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from tocsin.model import EventType, Reason, Severity, iso
from tocsin.routing.history import History
from tocsin.routing.judge import Judge
from tocsin.routing.rules import RoutingTable, Rule, Subject

Evidence = Mapping[str, Any]
"""What a hold applies for, as `detail.holds` keeps it: `reason`, `until`, and what the hold adds."""


@dataclass(frozen=True, slots=True)
class Held:
    """A hold applies. `until` None: nobody knows when it ends. `holds_ends`: also the end of what a
    destination was notified of."""

    reason: Reason
    until: datetime | None
    evidence: Evidence
    holds_ends: bool = False

    def document(self) -> dict[str, Any]:
        until = {} if self.until is None else {"until": iso(self.until)}
        return {"reason": self.reason.value, **until, **self.evidence}


class AlertFacts(Struct, frozen=True):
    """What a hold of an alert may ask for. A hold that needs more adds it here."""

    table: RoutingTable
    event_type: EventType
    subject: Subject
    now: datetime
    judge: Judge


class RuleFacts(Struct, frozen=True):
    """What a hold of a rule may ask for: `rule` would notify `destination_id`."""

    rule: Rule
    destination_id: UUID
    event_type: EventType
    subject: Subject
    history: History
    now: datetime


def _never(evidence: Evidence, facts: AlertFacts) -> Reason | None:
    return None


@dataclass(frozen=True, slots=True)
class AlertHold:
    """`applies` is pure. `words` says what holds it, for explanations; `after` names what has ended,
    for the message that goes out then: "still firing after …". `gives_up` says why, by somebody's wish,
    nothing goes out: it is asked of the evidence of the look before."""

    reason: Reason
    applies: Callable[[AlertFacts], Held | None]
    words: Callable[[Evidence], str]
    after: Callable[[Evidence], str]
    gives_up: Callable[[Evidence, AlertFacts], Reason | None] = _never


@dataclass(frozen=True, slots=True)
class RuleHold:
    """As `AlertHold`, asked once per rule."""

    reason: Reason
    applies: Callable[[RuleFacts], Held | None]
    words: Callable[[Evidence], str]
    after: Callable[[Evidence], str]


def breaks_through(severity: Severity, least: Severity | None) -> bool:
    """Whether an alert is bad enough to be sent in spite of a hold."""
    return least is not None and severity.at_least(least)


def shown(at: str) -> datetime:
    """A time of some evidence, to the second."""
    return datetime.fromisoformat(at).replace(microsecond=0)


def rule_words(evidence: Evidence) -> str:
    """The rule whose hold it is, for people."""
    name = (evidence.get("rule") or {}).get("name")
    return f"rule “{name}”" if name else "a rule"
