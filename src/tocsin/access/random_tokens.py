"""Secrets that are made here, shown once and kept as a hash.

Each is a prefix that says what it is, and 256 random bits in base 62: a fast hash (SHA-256) is enough to
keep, for there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import secrets
import string

from tocsin.model import Secret

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_DIGITS = 43
"""The least n with 62**n > 2**256."""


def random_token(prefix: str) -> Secret:
    number = secrets.randbits(256)
    digits = []
    for _ in range(_DIGITS):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return Secret(prefix + "".join(reversed(digits)))


def token_hash(token: Secret) -> bytes:
    return hashlib.sha256(token.reveal()).digest()
