"""Web Push: a message encrypted for one browser, sent to its maker's push service.

RFC 8030 (the request), RFC 8291 and 8188 (encryption: ECDH with a key made for the message, HKDF,
AES-128-GCM in one record), RFC 8292 (VAPID: who sends, as an ES256 token and the public key that the
browser subscribed with).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tocsin.model import Secret

PAYLOAD_LIMIT = 3_000
"""Bytes of plain text. Push services take 4,096 with what encryption adds; some take less."""
TOKEN_LIFETIME = timedelta(hours=12)
"""RFC 8292 allows a day."""

_CURVE = ec.SECP256R1()
_RECORD = 4_096
_LAST_RECORD = b"\x02"


class BadKeyError(ValueError):
    """Not a point of the curve, or of the wrong length."""


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of URL-safe base64, with or without its padding.

    Raises:
        BadKeyError: if it is not base64.
    """
    try:
        return base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadKeyError("is not base64") from None


@dataclass(frozen=True, slots=True)
class VapidKey:
    """What this installation proves itself with. Browsers subscribe with its public part, so it is made
    once: with another one, every subscription is void."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def of(cls, secret: Secret) -> VapidKey:
        return cls(ec.derive_private_key(int.from_bytes(secret.reveal()), _CURVE))

    @staticmethod
    def new_secret() -> Secret:
        number = ec.generate_private_key(_CURVE).private_numbers().private_value
        return Secret(number.to_bytes(32))

    @property
    def public(self) -> str:
        """As a browser takes it to subscribe (its application server key)."""
        return encode(_point(self.private.public_key()))

    def authorization(self, endpoint: str, subject: str, now: datetime) -> str:
        """The header that proves who sends; `subject` is where a push service finds us."""
        url = urlsplit(endpoint)
        claims = {
            "aud": f"{url.scheme}://{url.netloc}",
            "exp": int((now + TOKEN_LIFETIME).timestamp()),
            "sub": subject,
        }
        signed = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        token = f"{signed}.{encode(r.to_bytes(32) + s.to_bytes(32))}"
        return f"vapid t={token},k={self.public}"


def _json(document: Mapping[str, object]) -> str:
    return encode(json.dumps(document, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser's subscription, as far as encryption needs it."""

    public_key: ec.EllipticCurvePublicKey
    auth: bytes = field(repr=False)

    @classmethod
    def of(cls, p256dh: str, auth: str) -> Browser:
        """Out of the two texts that a browser gives.

        Raises:
            BadKeyError: if these are not what a browser gives.
        """
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, decode(p256dh))
        except (ValueError, TypeError):
            raise BadKeyError("is not a key of a browser") from None
        secret = decode(auth)
        if len(secret) != 16:
            raise BadKeyError("is not a secret of a browser")
        return cls(key, secret)


def encrypt(plain: bytes, browser: Browser, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """The body: salt, record size, our key made for this message, and one encrypted record."""
    ours = ec.generate_private_key(_CURVE)
    public = _point(ours.public_key())
    salt = random(16)
    shared = ours.exchange(ec.ECDH(), browser.public_key)
    info = b"WebPush: info\0" + _point(browser.public_key) + public
    keying = _hkdf(browser.auth, shared, info, 32)
    key = _hkdf(salt, keying, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, keying, b"Content-Encoding: nonce\0", 12)
    record = AESGCM(key).encrypt(nonce, plain + _LAST_RECORD, None)
    return salt + _RECORD.to_bytes(4) + len(public).to_bytes(1) + public + record


def _hkdf(salt: bytes, keying: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(keying)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
