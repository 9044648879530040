"""The signature that Amazon SNS puts into the body itself. Pure: keys are handed in.

Signed are certain fields of the JSON, one under the other (awsdocs/amazon-sns-developer-guide,
sns-verify-signature-of-message.md), so that this one signature cannot be checked before the body is
decoded. A signature proves that SNS sent it, not for whom: anybody can have a topic. What proves the
topic's owner is the secret in the address, which is asked for first.
"""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from tocsin.ingest.sources.kit.times import parse_time

RETRY_SPAN: Final = timedelta(minutes=65)
"""How old a message may be at least: SNS repeats one for up to an hour, with its first time."""

_CERTIFICATE: Final = re.compile(
    r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?/[A-Za-z0-9_-]+\.pem"
)
_HASHES: Final[dict[str, HashAlgorithm]] = {"1": SHA1(), "2": SHA256()}  # noqa: S303
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        ("SubscriptionConfirmation", "UnsubscribeConfirmation"),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
_URL_LIMIT: Final = 500
_CONFIRM: Final = re.compile(
    r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?/\?Action=ConfirmSubscription&"
    r"[A-Za-z0-9_.~:%=&+-]{1,2000}"
)


class Envelope(msgspec.Struct):
    """What SNS sends, as far as its proof goes."""

    Type: str
    MessageId: str
    TopicArn: str
    Message: str
    Timestamp: str
    Signature: str
    SignatureVersion: str
    SigningCertURL: str
    Subject: str | None = None
    SubscribeURL: str | None = None
    Token: str | None = None

    @property
    def signed(self) -> bytes | None:
        """The bytes that are signed; None if there is no such type of message."""
        names = _SIGNED.get(self.Type)
        if names is None:
            return None
        values = ((name, getattr(self, name)) for name in names)
        text = "".join(f"{name}\n{value}\n" for name, value in values if value is not None)
        return text.encode("utf-8", "surrogatepass")


_decoder: Final = msgspec.json.Decoder(Envelope)


def envelope_of(body: bytes) -> Envelope | None:
    """The envelope in a body; None if it is none."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def is_certificate_of_sns(url: str) -> bool:
    """Whether an address can be that of a certificate of SNS: by https at a host of SNS, without
    port, user or query. Nothing else is ever fetched."""
    return len(url) <= _URL_LIMIT and _CERTIFICATE.fullmatch(url) is not None


def subscribe_url(envelope: Envelope) -> str | None:
    """Where a subscription is confirmed, if that is what the message asks for and it is at SNS."""
    url = envelope.SubscribeURL or ""
    if envelope.Type != "SubscriptionConfirmation" or _CONFIRM.fullmatch(url) is None:
        return None
    return url


def public_key(pem: bytes) -> RSAPublicKey | None:
    """The key in a certificate; None if this is no certificate, or its key is not RSA."""
    try:
        key = load_pem_x509_certificate(pem).public_key()
    except ValueError:
        return None
    return key if isinstance(key, RSAPublicKey) else None


def is_signed(envelope: Envelope, key: RSAPublicKey) -> bool:
    """Whether the envelope's signature is made by the key."""
    algorithm, signed = _HASHES.get(envelope.SignatureVersion), envelope.signed
    if algorithm is None or signed is None:
        return False
    try:
        signature = binascii.a2b_base64(envelope.Signature, strict_mode=True)
        key.verify(signature, signed, PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_fresh(envelope: Envelope, now: datetime, tolerance: timedelta) -> bool:
    """Whether the signed time is near enough to now."""
    at, _ = parse_time(envelope.Timestamp, UTC)
    return at is not None and abs(now - at) <= max(tolerance, RETRY_SPAN)
