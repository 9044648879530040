"""What a check of `tocsin doctor` finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Works, and worth knowing."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    health: Health
    said: str
    todo: str | None = None

    @classmethod
    def of(cls, document: Mapping[str, str | None]) -> Finding:
        """What `document` made."""
        health = Health(str(document["health"]))
        return cls(str(document["check"]), health, str(document["found"]), document["to_do"])

    def document(self) -> dict[str, str | None]:
        return {
            "check": self.what,
            "health": self.health.value,
            "found": self.said,
            "to_do": self.todo,
        }
