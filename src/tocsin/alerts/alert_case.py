"""What one transaction knows of an alert as far as its escalations go: what has just happened to it, and
what the database holds of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.alerts.changes import AlertChange, AlertDetails
from tocsin.alerts.correlate import AlertState
from tocsin.alerts.directory import IntegrationEntry
from tocsin.alerts.escalation_rows import RunningEscalation
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.model import EventType


@dataclass(frozen=True, slots=True)
class ForcedStep:
    """Somebody wants the next step at once."""

    actor_json: bytes
    actor: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewAcknowledgement:
    """Somebody has acknowledged, until a time of their own if they said one. `by` is their id, or of
    what stands for them."""

    by: UUID | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """Somebody is to be paged apart from all steps. `note` says why, for them."""

    user_id: UUID
    note: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EndOfAlert:
    """How an alert ended. `by`: the person who ended it, or what stands for them; None: nobody whom we
    know. `said`: what they noted with it."""

    event_type: EventType
    actor: str
    by: UUID | None = None
    no_news_since: datetime | None = None
    said: str | None = None


@dataclass(slots=True)
class AlertCase:
    """An alert that this transaction changes, or looks at. `asks`: rules are asked for policies;
    `is_taken_back`: its acknowledgement no longer counts, since it has become so much worse."""

    alert: AlertState
    entry: IntegrationEntry
    details: AlertDetails | None
    has_history: bool
    asks: bool = False
    is_worse: bool = False
    forced: ForcedStep | None = None
    acknowledgement: NewAcknowledgement | None = None
    ended: EndOfAlert | None = None
    is_taken_back: bool = False
    people: list[AskedPerson] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether it ended, and somebody may have been paged before. While it flaps, that is no end."""
        flaps = self.alert.flaps is not None and self.alert.flaps.is_flapping
        return (
            self.ended is not None
            and self.has_history
            and not self.alert.status.is_live
            and not flaps
        )

    @property
    def book(self) -> OnCallBook:
        return self.entry.on_call or OnCallBook()

    def change(self) -> AlertChange:
        return AlertChange(
            event_type=EventType.TRIGGERED,
            alert=self.alert,
            entry=self.entry,
            actor=self.entry.name,
            details=self.details,
            is_old=self.has_history,
        )


@dataclass(slots=True)
class KnownEscalations:
    """What the database knows of the escalations of one alert."""

    live: list[RunningEscalation] = field(default_factory=list)
    newest: RunningEscalation | None = None
    """Live or not."""
    rounds: dict[UUID, int] = field(default_factory=dict)
