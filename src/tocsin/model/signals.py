"""What comes in: one normalised event of a webhook, and what becomes of the webhook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from tocsin.model.alert_words import AlertWords
from tocsin.model.alerts import Severity


class SignalKind(StrEnum):
    """What one normalised event of a monitoring tool asks for."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    # The source took its acknowledgement back: nobody works on the alert any more.
    UNACKNOWLEDGE = "unacknowledge"
    # Changes the severity and the words of a live alert; where none is live it opens none.
    UPDATE = "update"


class WebhookStatus(StrEnum):
    """What became of a webhook; declared in the order in which the answer picks one of several."""

    CREATED = "created"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    SPOOLED = "spooled"
    """Only ever an answer, never what is on record: it is to be decided when the database is back."""


SPOOLED_FLAG: Final = "spooled"
"""On the record of a webhook that was answered before it was in the database."""


def doubts(flags: Iterable[str]) -> list[str]:
    """What of the flags of a webhook says that something was doubtful."""
    return [flag for flag in flags if flag != SPOOLED_FLAG]


class Lease(Struct, frozen=True):
    """Until when what a sender says lasts, where it has to say it again and again. `lapses_at` is some
    time after `ends_at`: a repeat may be late, or lost."""

    ends_at: datetime
    lapses_at: datetime


class Signal(Struct):
    """One normalised event parsed out of a webhook delivery.

    `triggered_at` is when the alert fired (from the payload); `occurred_at` is when *this* event
    happened at the sender and orders it against others. None means the payload does not say; the
    pipeline then takes the time of receipt. `severity` None means the integration's default.
    `tenant` is a tenant slug if the payload names one. `labels` is a flat string map.
    `flags` names what was doubtful and accepted all the same. `words` are its words as an
    alert keeps them, where whoever made it knows them from before.
    """

    kind: SignalKind
    external_id: str | None
    title: str
    severity: Severity | None = None
    description: str | None = None
    triggered_at: datetime | None = None
    occurred_at: datetime | None = None
    labels: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    tenant: str | None = None
    flags: tuple[str, ...] = ()
    lease: Lease | None = None
    words: AlertWords | None = None

    def alert_words(self) -> AlertWords:
        return self.words or AlertWords.of(self.title, self.description, self.labels, self.metadata)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a payload: where (JSON pointer, RFC 6901), a stable code, and words."""

    pointer: str
    code: str
    message: str

    def document(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "message": self.message}
