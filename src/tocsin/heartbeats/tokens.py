"""The secret in a ping address: a random UUID, as Healthchecks has it. Kept as a digest."""

from __future__ import annotations

import hashlib
from uuid import uuid4

from tocsin.model import Secret


def new_token() -> Secret:
    """122 random bits: there is nothing to guess."""
    return Secret(str(uuid4()))


def token_digest(token: str) -> bytes:
    """The first 128 bits of its SHA-256. Letters count alike in either case, as they do in a UUID."""
    return hashlib.sha256(token.lower().encode()).digest()[:16]
