"""The codes that prove who reads a contact method: six digits, sent to it, entered by its owner.

A code is derived from the id of the message that carries it, with a key of the installation. So nothing
that is stored or shown of the message holds it, and every attempt at the message says the same one.
What is kept to compare with is a keyed hash: six digits are soon guessed from any other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tocsin.model import Secret

CODE_DIGITS = 6
LIFETIME = timedelta(minutes=15)
WRONG_CODES_ALLOWED = 5


class ContactCodes:
    def __init__(self, keys: Sequence[Secret]) -> None:
        """`keys` are the vault's: the first makes codes, all recognise them."""
        if not keys:
            raise ValueError("codes need at least one key")
        self._keys = [_derive(key) for key in keys]

    def code(self, alert_delivery_id: UUID) -> str:
        """The code that this message says."""
        tag = hmac.digest(self._keys[0], b"code\0" + alert_delivery_id.bytes, hashlib.sha256)
        return f"{int.from_bytes(tag) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

    def hash(self, contact_method_id: UUID, code: str) -> bytes:
        """What is kept of a code."""
        return _hash(self._keys[0], contact_method_id, code)

    def is_code(self, kept: bytes, contact_method_id: UUID, typed: str) -> bool:
        """Whether it is the code of which this was kept; in constant time. Spaces do not matter."""
        code = "".join(typed.split())
        hashes_of_it = [_hash(key, contact_method_id, code) for key in self._keys]
        return any(hmac.compare_digest(each, kept) for each in hashes_of_it)


def _hash(key: bytes, contact_method_id: UUID, code: str) -> bytes:
    said = b"kept\0" + contact_method_id.bytes + code.encode("utf-8", "replace")
    return hmac.digest(key, said, hashlib.sha256)


def _derive(key: Secret) -> bytes:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"tocsin contact codes v1")
    return kdf.derive(base64.urlsafe_b64decode(key.reveal()))
