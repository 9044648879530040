"""What rules and silences look at: an alert reduced to what may decide about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.model import Severity
from tocsin.routing.flapping import Flaps


@dataclass(frozen=True, slots=True)
class ActiveSnooze:
    """Somebody wants to hear nothing of an alert for a while."""

    until: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """An alert that holds another by an inhibition rule. `until` None: it is live; else it has ended,
    and that is when the time of grace is over."""

    rule_id: UUID
    rule_name: str
    alert_id: UUID
    title: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class InhibitionWait:
    """So long an inhibition rule has a trigger wait for a source."""

    rule_id: UUID
    rule_name: str
    until: datetime


class Subject(Struct):
    """`source` is the integration's name, `type` its kind (`datadog`, `generic`…)."""

    tenant_id: UUID
    integration_id: UUID
    external_id: str | None
    title: str
    severity: Severity
    source: str
    type: str
    labels: Mapping[str, str]
    snooze: ActiveSnooze | None = None
    inhibitors: tuple[Inhibitor, ...] = ()
    inhibition_waits: tuple[InhibitionWait, ...] = ()
    flaps: Flaps | None = None


def alert_key_id(integration_id: UUID, external_id: str | None) -> UUID | None:
    """The identity that a cooldown is kept under: one alert key, however many alerts it becomes.

    First 128 bits of the SHA-256 of both ids. None without an external id: nothing then says that
    two alerts are about the same trouble, and in doubt each of them is notified.
    """
    if external_id is None:
        return None
    name = external_id.encode("utf-8", "surrogatepass")
    return UUID(bytes=hashlib.sha256(integration_id.bytes + name).digest()[:16])
