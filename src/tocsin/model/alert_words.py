"""What an alert says: its title, description, labels and metadata. A repeat brings the newest."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct as Layout
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Struct

NO_ENTRIES = b"{}"
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
    def of(
        cls,
        title: str,
        description: str | None,
        labels: Mapping[str, str],
        metadata: Mapping[str, Any],
    ) -> AlertWords:
        labels_json = _encode(labels) if labels else NO_ENTRIES
        metadata_json = _encode(metadata) if metadata else NO_ENTRIES
        digest = _pack(
            crc32(title.encode()),
            crc32(description.encode()) if description else 0,
            crc32(labels_json),
            crc32(metadata_json),
        )
        return cls(title, description, labels_json, metadata_json, digest)

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
            before.labels if self.labels == NO_ENTRIES else self.labels,
            before.metadata if self.metadata == NO_ENTRIES else self.metadata,
            self.over(before.digest),
        )

    def _given(self) -> tuple[str, ...]:
        values: tuple[Any, ...] = (
            self.title,
            self.description,
            self.labels != NO_ENTRIES,
            self.metadata != NO_ENTRIES,
        )
        return tuple(name for name, value in zip(_PARTS, values, strict=True) if value)
