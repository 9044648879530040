"""One webhook on its way from the socket to the database, and the answer it will get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from tocsin.heartbeats.pings import IncomingPing
from tocsin.ingest.senders import Sender
from tocsin.model import Secret, Signal, WebhookStatus


class Accepted(Struct, frozen=True):
    """Answered 2xx. `alerts` pairs alert ids with what became of each."""

    status: WebhookStatus
    alerts: tuple[tuple[bytes, WebhookStatus], ...] = ()
    reason: str | None = None

    @property
    def status_code(self) -> int:
        if self.status is WebhookStatus.SPOOLED:
            return 202
        for _, status in self.alerts:
            if status is WebhookStatus.CREATED:
                return 201
        return 200

    @property
    def alert_id(self) -> bytes | None:
        """The one alert it names, if it is one."""
        return self.alerts[0][0] if len(self.alerts) == 1 else None


class RefusalOutcome(StrEnum):
    """What the record says became of a webhook that was not accepted."""

    REJECTED = "rejected"
    """Not admitted: who sent it has not proven who it is, or is not wanted."""
    INVALID = "invalid"
    """Authentic, and not to be understood."""
    FAILED = "failed"
    """A fault or a shortage of ours."""


class Declined(Struct, frozen=True):
    """Answered 4xx or 5xx: the slug of a problem (see `tocsin.problems`), what is said of it, and
    the headers that go with it. `ingest/refusals.py` has them all."""

    problem: str
    status_code: int
    detail: str
    outcome: RefusalOutcome
    faults: tuple[dict[str, str], ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()


Answer = Accepted | Declined


class Trusted(Enum):
    """For a webhook that needs no proof of its own: whoever sends it has an API key."""

    BY_API_KEY = "api_key"


TRUSTED: Final = Trusted.BY_API_KEY
Proof = Secret | Trusted
"""What a request of another product's API came with, wherever in it that was."""


class Shown(Struct, frozen=True):
    """What a request proves itself with besides its headers and its body, and how it is answered."""

    path_secret: str | None = None
    proof: Proof | None = None
    """None: it proves itself as its integration says."""
    origin: bytes = bytes(16)
    """Tells apart the senders of one integration, of which each has leases of its own."""
    answered: Callable[[Webhook], int] | None = None
    """The HTTP status that its sender gets, where another product decides that."""


NOTHING_SHOWN: Final = Shown()


class Webhook(Struct):
    """A webhook delivery in the making.

    `settled` is set before the commit where nothing is left to decide: declined, or understood and
    of no concern (`ignored`). Otherwise the commit sets `answer`.
    """

    sender: Sender
    id: bytes
    received_at: datetime
    headers: dict[str, str]
    body: bytes
    raw_payload: bytes
    """JSON text: the body itself, or the body as a JSON string."""
    fingerprint: str
    idempotency_key: str | None = None
    signals: list[Signal] = []
    pings: list[IncomingPing] = []
    """Of heartbeats that are bound to its integration."""
    flags: tuple[str, ...] = ()
    settled: Answer | None = None
    is_final: bool = False
    """No other configuration would change what it is: its body was not read, or cannot be stored."""
    shown: Shown = NOTHING_SHOWN
    rejected_body_bytes: int = 65_536
    """How much of the body is kept, should it not be authentic."""
    body_limit: int = 1_048_576
    """How much it may be once it is unpacked."""
    answered: int | None = None
    """The HTTP status that its sender was given when it was put into the spool; None: it was not."""
    replay_of_id: UUID | None = None
    stored_at: datetime | None = None
    """When the row is made, where that is not when the webhook was received: a replay."""
    answer: Answer | None = None
    duplicate_of: bytes | None = None

    def flag(self, name: str) -> None:
        """Note a doubtful thing that was accepted; a batch that is decided twice notes it once."""
        if name not in self.flags:
            self.flags = (*self.flags, name)

    def become(self, again: Webhook) -> bool:
        """Take over what a second reading of the same body gave. Whether it gave anything new."""
        self.pings = again.pings
        if (self.settled, self.signals) == (again.settled, again.signals):
            return False
        self.raw_payload, self.fingerprint = again.raw_payload, again.fingerprint
        self.idempotency_key, self.flags = again.idempotency_key, again.flags
        self.signals, self.settled = again.signals, again.settled
        return True

    @property
    def status_code(self) -> int:
        """The HTTP status of its answer."""
        if self.answered is not None:
            return self.answered
        assert self.answer is not None
        return self.answer.status_code if self.shown.answered is None else self.shown.answered(self)

    @property
    def is_rejected(self) -> bool:
        return isinstance(self.settled, Declined) and (
            self.settled.outcome is RefusalOutcome.REJECTED
        )
