"""What names an alert for its sender, and the lock that everybody takes who changes one."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple


class AlertKey(NamedTuple):
    """One external id of one integration: signals with the same key are about the same alert."""

    integration_id: bytes
    external_id: str

    @property
    def lock(self) -> int:
        """A PostgreSQL advisory lock key (signed 64 bits)."""
        return _lock(self.integration_id + self.external_id.encode())


def alert_lock(alert_id: bytes) -> int:
    """For an alert without external id, which shares its key with no other."""
    return _lock(alert_id)


def _lock(name: bytes) -> int:
    return int.from_bytes(blake2b(name, digest_size=8).digest(), signed=True)
