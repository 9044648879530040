"""Who does something, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from tocsin.model.alerts import Severity


class Role(StrEnum):
    """What one may do: a viewer reads, a responder acts on alerts, an admin configures."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        order = (Role.VIEWER, Role.RESPONDER, Role.ADMIN)
        return order.index(self) >= order.index(other)


class Urgency(StrEnum):
    """How a person is paged: `high` for CRITICAL and HIGH, `low` for all else."""

    HIGH = "high"
    LOW = "low"

    @classmethod
    def of(cls, severity: Severity) -> Urgency:
        return cls.HIGH if severity in (Severity.CRITICAL, Severity.HIGH) else cls.LOW


class ActorKind(StrEnum):
    SOURCE = "source"
    USER = "user"
    API_KEY = "api_key"
    RECIPIENT = "recipient"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as timelines and the audit log keep it: a kind and a name for people."""

    kind: ActorKind
    name: str
    id: UUID | None = None

    def document(self) -> dict[str, str]:
        document = {"kind": self.kind.value, "name": self.name}
        if self.id is not None:
            document["id"] = str(self.id)
        return document


SYSTEM = Actor(ActorKind.SYSTEM, "tocsin")
