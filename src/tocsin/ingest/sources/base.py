"""What a source is, and the defaults that most sources share.

A source turns one decoded payload into signals. It is pure: no clock, no I/O. Doubtful things are
accepted and flagged; what cannot be understood raises `InvalidPayload` with every fault at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.kit.fingerprint import Path
from tocsin.ingest.sources.kit.kinds import NO_KINDS, OwnKinds
from tocsin.model import Signal


class FieldMapping(Protocol):
    """Where a user says that the fields of an alert are in the payload."""

    def signals(self, payload: Any, context: Context) -> list[Signal]:
        """The signals in a payload, as `Source.parse` gives them."""
        ...


@dataclass(slots=True)
class Context:
    """What a source may know besides the payload. `headers`: names in lower case. `at_once`: others
    wait meanwhile, so that only a moment may be spent."""

    headers: Mapping[str, str]
    received_at: datetime
    timezone: ZoneInfo
    mapping: FieldMapping | None = None
    at_once: bool = False
    kinds: OwnKinds = field(default_factory=lambda: NO_KINDS)
    """The integration's own words of state, of a source that takes some."""


class Source(Protocol):
    """One kind of sending tool."""

    type: ClassVar[str]
    title: ClassVar[str]
    preset: ClassVar[Scheme]
    """What a new integration of this source starts with; a user may override any of it."""
    volatile: ClassVar[tuple[Path, ...]]
    """What may differ between two sendings of one and the same event."""
    key_headers: ClassVar[tuple[str, ...]]
    """Headers, in lower case, in which this tool names a delivery."""
    takes_mapping: ClassVar[bool]
    takes_kinds: ClassVar[bool]
    """Whether its words of state are a user's own, so that an integration may say what they mean."""
    sends_in_order: ClassVar[bool]
    """Whether it never sends an older state after a newer one, so that a trigger that arrives
    after an end is a new episode, whatever start it names."""

    counts_copies: ClassVar[bool]
    """Whether the same body once more is another occurrence, as its product has it, and no duplicate."""
    has_leases: ClassVar[bool]
    """Whether its signals carry leases: it repeats what is so, and what it stops repeating is over."""
    found_by_key: ClassVar[bool]
    """Whether a key alone may say which integration a request is for."""
    window_minutes: ClassVar[int]
    """For how long a new integration knows a delivery again (`deduplication_window_minutes`)."""
    address: ClassVar[str]
    """The path that is entered in the tool; `{id}` stands for the integration's."""

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        """The signals in a payload; [] means valid and not an alert.

        Raises:
            InvalidPayload: with every fault, each with its JSON pointer.
        """
        ...

    def ignored_reason(self, payload: Any, context: Context) -> str:
        """Why `parse` found no signal, for the record of the delivery."""
        ...

    def delivery_key(self, payload: Any) -> str | None:
        """The id of this delivery, where the tool puts it in the body."""
        ...


class BaseSource:
    """Defaults that most sources share."""

    volatile: ClassVar[tuple[Path, ...]] = ()
    key_headers: ClassVar[tuple[str, ...]] = ()
    takes_mapping: ClassVar[bool] = False
    takes_kinds: ClassVar[bool] = False
    sends_in_order: ClassVar[bool] = False
    counts_copies: ClassVar[bool] = False
    has_leases: ClassVar[bool] = False
    found_by_key: ClassVar[bool] = False
    window_minutes: ClassVar[int] = 15
    address: ClassVar[str] = "/webhooks/{id}"

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "the webhook carries no alert"

    def delivery_key(self, payload: Any) -> str | None:
        return None
