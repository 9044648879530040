"""What an alert says: its title, description, labels and metadata. A repeat brings the newest."""

from __future__ import annotations

from struct import Struct as Layout
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Struct

from tocsin.model import Signal

NOTHING = b"{}"
_encode = msgspec.json.Encoder(order="deterministic").encode
_DIGEST = Layout("!4I")
_pack = _DIGEST.pack
_PARTS = ("title", "description", "labels", "metadata")


class AlertWords(Struct, frozen=True):
    """As one signal has them. `labels` and `metadata` are JSON texts; what a signal leaves out
    (None, or no entries) does not erase what an earlier one said."""

    title: str
    description: str | None
    labels: bytes
    metadata: bytes
    digest: bytes
    """16 bytes: the CRC-32 of each part, in the order above. It only says whether words have
    changed, so that a repeat need not read them."""

    @classmethod
    def of(cls, signal: Signal) -> AlertWords:
        title, description = signal.title, signal.description
        labels = _encode(signal.labels) if signal.labels else NOTHING
        metadata = _encode(signal.metadata) if signal.metadata else NOTHING
        digest = _pack(
            crc32(title.encode()),
            crc32(description.encode()) if description else 0,
            crc32(labels),
            crc32(metadata),
        )
        return cls(title, description, labels, metadata, digest)

    def changed(self, before: bytes | None) -> tuple[str, ...]:
        """The names of what differs from the words with the digest `before`; None: nobody knows
        those, so all of it may."""
        if before == self.digest:
            return ()
        if before is None:
            return self._given()
        old, new = _DIGEST.unpack(before), _DIGEST.unpack(self.over(before))
        return tuple(
            name for name, one, other in zip(_PARTS, old, new, strict=True) if one != other
        )

    def over(self, before: bytes | None) -> bytes:
        """The digest of these words laid over those with the digest `before`."""
        if before is None or before == self.digest:
            return self.digest
        given = self._given()
        old, new = _DIGEST.unpack(before), _DIGEST.unpack(self.digest)
        return _pack(
            *(
                other if name in given else one
                for name, one, other in zip(_PARTS, old, new, strict=True)
            )
        )

    def laid_over(self, before: AlertWords | None) -> AlertWords:
        """These words where they say something, else those from before."""
        if before is None:
            return self
        return AlertWords(
            self.title,
            before.description if self.description is None else self.description,
            before.labels if self.labels == NOTHING else self.labels,
            before.metadata if self.metadata == NOTHING else self.metadata,
            self.over(before.digest),
        )

    def _given(self) -> tuple[str, ...]:
        values: tuple[Any, ...] = (
            self.title,
            self.description,
            self.labels != NOTHING,
            self.metadata != NOTHING,
        )
        return tuple(name for name, value in zip(_PARTS, values, strict=True) if value)
