"""The lock that everybody takes who changes what is known of a problem: batches and people alike."""

from __future__ import annotations

from hashlib import blake2b


def problem_lock(integration_id: bytes, external_id: str) -> int:
    """A PostgreSQL advisory lock key (signed 64 bits) for one external id of one integration."""
    digest = blake2b(integration_id + external_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def alert_lock(alert_id: bytes) -> int:
    """For an alert without external id: it shares its problem with no other."""
    return int.from_bytes(blake2b(alert_id, digest_size=8).digest(), signed=True)
