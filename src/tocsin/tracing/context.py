"""Which trace something belongs to (W3C Trace Context).

Nothing is stored for it. The ids of a webhook's span follow from the webhook's own id and from the
`traceparent` that is on record with its headers, so that whoever sends its messages, later and
elsewhere, finds the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span, as others name it. `state` is the `tracestate` of whoever began the trace."""

    trace_id: int
    span_id: int
    is_sampled: bool
    state: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """For whoever is called on behalf of it."""
        parent = f"00-{self.trace_id:032x}-{self.span_id:016x}-{int(self.is_sampled):02x}"
        return {"traceparent": parent, **({"tracestate": self.state} if self.state else {})}

    def child(self, span_id: int) -> TraceContext:
        """Another span of the same trace."""
        return TraceContext(self.trace_id, span_id, self.is_sampled, self.state)


@dataclass(frozen=True, slots=True)
class Traced:
    """A span and what it is a part of; without a `parent` the trace begins here."""

    context: TraceContext
    parent: TraceContext | None = None


def context_of(headers: Mapping[str, str]) -> TraceContext | None:
    """What these headers say they are a part of. None: nothing, or nothing that can be read."""
    found = _PARENT.fullmatch(headers.get("traceparent", "").strip())
    if found is None or found[1] == "ff" or (found[1] == "00" and found[5]):
        return None
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    if not trace_id or not span_id:
        return None
    state = headers.get("tracestate", "").strip()
    return TraceContext(
        trace_id,
        span_id,
        bool(int(found[4], 16) & _SAMPLED),
        state if _STATE.fullmatch(state) else "",
    )


def context_of_webhook(id: bytes, headers: Mapping[str, str], share: float) -> Traced:
    """That of a webhook's span. Whether it is recorded is its sender's to say; of those who say
    nothing, `share` of the webhooks are."""
    parent = context_of(headers)
    span_id = derived_id(b"webhook", id)
    if parent is not None:
        return Traced(parent.child(span_id), parent)
    return Traced(begun(b"webhook", id, span_id, share))


def begun(kind: bytes, id: bytes, span_id: int, share: float) -> TraceContext:
    """A trace that begins here."""
    digest = hashlib.blake2b(id, digest_size=16, person=kind).digest()
    is_sampled = int.from_bytes(digest[8:]) < share * 2**64
    return TraceContext(int.from_bytes(digest), span_id, is_sampled)


def derived_id(kind: bytes, id: bytes) -> int:
    """The id of the span that is `kind` of what has this id."""
    return int.from_bytes(hashlib.blake2b(id, digest_size=8, person=b"span " + kind).digest())
