"""How an integration proves itself, worked out once.

Everything that depends on the configuration only is precomputed when a `Profile` is made; a
verification then costs two hash updates per live secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tocsin.model import AuthScheme, Secret, SignatureAlgorithm, SignatureFormat, SignedContent

SECRET_ENCODINGS: Final = ("text", "standard_webhooks", "routing_key", "mail_token")
MAX_SECRETS: Final = 8
MAX_TOKENS: Final = 50
ROUTING_KEY_LENGTH: Final = 32
MAIL_TOKEN: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{14,62})[a-z0-9]")
"""What every mail server passes on as the part before the `@`, which has 64 characters at most."""
_LETTERS_AND_DIGITS: Final = string.ascii_lowercase + string.digits


class HeaderNames(NamedTuple):
    """In lower case; empty where the scheme has no such header."""

    signature: str
    timestamp: str
    delivery_id: str


STANDARD_WEBHOOKS: Final = HeaderNames("webhook-signature", "webhook-timestamp", "webhook-id")
SVIX: Final = HeaderNames("svix-signature", "svix-timestamp", "svix-id")


_TIMES: Final = frozenset(("t", "ts", "timestamp"))


def time_sent(names: HeaderNames, headers: Mapping[str, str]) -> str:
    """The time that is signed, as it is written; empty if there is none. It has a header of its own, or
    stands beside the signature, as Stripe has it: `t=1772352000,v1=…`."""
    value = headers.get(names.timestamp, "")
    if names.timestamp != names.signature:
        return value
    parts = (part.strip().partition("=") for part in value.split(","))
    return next((time for name, _, time in parts if name in _TIMES), "")


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A secret that is accepted now; `expires_at` None means the current one."""

    secret: Secret
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """How senders of one kind prove themselves.

    `signature_prefix` is what comes before each signature (`sha256=`, `v1=`, `v1,`) or before a
    token (`Bearer `). `timestamp_header` may be the `signature_header` (see `time_sent`).
    `id_header` names the header whose value is signed for
    `id.timestamp.body` (`webhook-id` if not given). `secret_encoding` is `text` (the secret's
    UTF-8 bytes are the key), `standard_webhooks` (`whsec_` is stripped, the rest is base64),
    `routing_key` (text of 32 letters and digits, as PagerDuty's clients demand) or `mail_token` (the
    part of a mail address before the `@`, in lower case).
    """

    auth_scheme: AuthScheme = AuthScheme.HMAC
    signature_header: str = "X-Webhook-Signature"
    signature_algorithm: SignatureAlgorithm = SignatureAlgorithm.SHA256
    signature_format: SignatureFormat = SignatureFormat.HEX
    signature_prefix: str | None = None
    signed_content: SignedContent = SignedContent.BODY
    timestamp_header: str | None = None
    timestamp_tolerance_seconds: int = 300
    id_header: str | None = None
    secret_encoding: str = "text"  # noqa: S105 - the name of an encoding

    def make_secret(self) -> str:
        """A fresh secret of 256 bits in the form that the sender's settings accept."""
        if self.secret_encoding == "standard_webhooks":  # noqa: S105
            return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        if self.secret_encoding in ("routing_key", "mail_token"):
            return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(ROUTING_KEY_LENGTH))
        made = secrets.token_urlsafe(32)
        # One that begins with a dash would be an option to every command that it is given to.
        return self.make_secret() if made.startswith("-") else made

    def refuses(self, secret: Secret) -> str | None:
        """Why the sender's settings would not take this secret; None if they would."""
        if self.secret_encoding == "routing_key":  # noqa: S105
            text = secret.reveal()
            if len(text) != ROUTING_KEY_LENGTH or not text.isalnum():
                return f"a routing key has {ROUTING_KEY_LENGTH} letters and digits"
        if self.secret_encoding == "mail_token":  # noqa: S105
            local = secret.reveal().decode("latin-1")
            if MAIL_TOKEN.fullmatch(local) is None or ".." in local:
                return "what stands before the @ has 16 to 64 of a-z, 0-9, dots and hyphens"
        return None


@dataclass(frozen=True, slots=True)
class Profile(Scheme):
    """How one integration proves itself: its scheme and its secrets.

    Raises:
        ValueError: the combination cannot verify anything; the message says what to change and
            holds no secret.
    """

    secrets: tuple[LiveSecret, ...] = ()
    token_hashes: tuple[bytes, ...] = field(default=(), repr=False)
    """SHA-256 of further tokens, each as good as the secret, where a secret is sent and nothing is
    signed."""
    username: str | None = None
    """For `basic`: the user that must be named; None accepts any, since the password decides."""
    signing_keys: Mapping[str, RSAPublicKey] = field(
        default_factory=dict, repr=False, compare=False
    )
    """For `sns`: the keys known by now, by the address of their certificate."""

    header_names: tuple[HeaderNames, ...] = field(init=False, repr=False, compare=False)
    live_keys: tuple[tuple[Key, datetime | None], ...] = field(
        init=False, repr=False, compare=False
    )
    digest_size: int = field(init=False, repr=False, compare=False)
    timestamp_is_signed: bool = field(init=False, repr=False, compare=False)
    prefix: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        # Plain strings from a table row are as good as the enums.
        set_(self, "auth_scheme", AuthScheme(self.auth_scheme))
        set_(self, "signature_algorithm", SignatureAlgorithm(self.signature_algorithm))
        set_(self, "signature_format", SignatureFormat(self.signature_format))
        set_(self, "signed_content", SignedContent(self.signed_content))
        signs_time = self.signed_content is not SignedContent.BODY
        set_(self, "timestamp_is_signed", self.auth_scheme is AuthScheme.HMAC and signs_time)
        self._check()
        if self.signed_content is SignedContent.ID_TIMESTAMP_BODY and not self.id_header:
            set_(self, "id_header", "webhook-id")
        header = self.signature_header.lower()
        own = HeaderNames(
            header, (self.timestamp_header or "").lower(), (self.id_header or "").lower()
        )
        # Svix sends its own names, or both; the values are the same.
        set_(self, "header_names", (own, SVIX) if own == STANDARD_WEBHOOKS else (own,))
        set_(self, "prefix", self.signature_prefix or "")
        set_(self, "digest_size", hashlib.new(self.signature_algorithm).digest_size)
        live = [(self._key(live.secret), live.expires_at) for live in self.secrets]
        if self.auth_scheme is not AuthScheme.HMAC:
            live += [(_TokenKey(each), None) for each in self.token_hashes]
        set_(self, "live_keys", tuple(live))

    def signed_time(self, headers: Mapping[str, str]) -> str | None:
        """The time that the sender signed, as it is written; None if it signs none. `headers`: names
        in lower case."""
        if not self.timestamp_is_signed:
            return None
        times = (time_sent(names, headers) for names in self.header_names)
        return next((time for time in times if time), None)

    @property
    def token_digests(self) -> tuple[bytes, ...]:
        """SHA-256 of all that may be sent as its secret, expired or not; none where it signs."""
        if self.auth_scheme is AuthScheme.HMAC:
            return ()
        return tuple(key.digest(b"", b"") for key, _ in self.live_keys)

    def _check(self) -> None:
        if self.secret_encoding not in SECRET_ENCODINGS:
            raise ValueError(f"secret_encoding must be one of {', '.join(SECRET_ENCODINGS)}")
        if len(self.secrets) > MAX_SECRETS:
            raise ValueError(f"at most {MAX_SECRETS} secrets can be live at once")
        if self.auth_scheme in (AuthScheme.HMAC, AuthScheme.TOKEN) and not self.signature_header:
            raise ValueError(f"auth_scheme {self.auth_scheme} needs a signature_header")
        if self.auth_scheme is not AuthScheme.HMAC:
            return
        if self.timestamp_is_signed and not self.timestamp_header:
            raise ValueError(f"signed_content {self.signed_content} needs a timestamp_header")

    def _key(self, secret: Secret) -> Key:
        if self.auth_scheme is AuthScheme.HMAC:
            return _HmacKey(self.signature_algorithm, self.key_bytes(secret))
        if not secret.reveal():
            raise ValueError("a secret is empty")
        return _TokenKey(hashlib.sha256(secret.reveal()).digest())

    def key_bytes(self, secret: Secret) -> bytes:
        """The HMAC key of a secret.

        Raises:
            ValueError: it is empty, or not what its encoding demands.
        """
        key = secret.reveal()
        if self.secret_encoding == "standard_webhooks":  # noqa: S105
            key = standard_webhooks_key(key)
        if not key:
            raise ValueError("a secret is empty")
        return key


def standard_webhooks_key(secret: bytes) -> bytes:
    """`whsec_` and base64 (standard-webhooks spec, "Secret"); missing padding is tolerated, as in
    the reference libraries.

    Raises:
        ValueError: not such a secret.
    """
    text = secret.strip().removeprefix(b"whsec_")
    try:
        return binascii.a2b_base64(padded(text.rstrip(b"=")), strict_mode=True)
    except binascii.Error:
        raise ValueError(
            "a Standard Webhooks secret reads whsec_ and then base64; this one does not decode"
        ) from None


def decode_base64(text: str) -> bytes:
    """Standard or URL-safe alphabet, with or without padding.

    Raises:
        ValueError: neither.
    """
    standard = text.rstrip("=").replace("-", "+").replace("_", "/").encode("ascii")
    return binascii.a2b_base64(padded(standard), strict_mode=True)


def padded(unpadded: bytes) -> bytes:
    return unpadded + b"=" * (-len(unpadded) % 4)


class Key:
    __slots__ = ()

    def digest(self, before: bytes, body: bytes) -> bytes:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "Key([redacted])"


class _HmacKey(Key):
    """HMAC (RFC 2104) with both padded keys hashed beforehand: half the time of a fresh one."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, algorithm: str, key: bytes) -> None:
        self._inner: Any = hashlib.new(algorithm)
        self._outer: Any = hashlib.new(algorithm)
        block = self._inner.block_size
        if len(key) > block:
            key = hashlib.new(algorithm, key).digest()
        key = key.ljust(block, b"\0")
        self._inner.update(bytes(byte ^ 0x36 for byte in key))
        self._outer.update(bytes(byte ^ 0x5C for byte in key))

    def digest(self, before: bytes, body: bytes) -> bytes:
        inner = self._inner.copy()
        if before:
            inner.update(before)
        inner.update(body)
        outer = self._outer.copy()
        outer.update(inner.digest())
        result: bytes = outer.digest()
        return result


class _TokenKey(Key):
    __slots__ = ("_sha256",)

    def __init__(self, sha256: bytes) -> None:
        self._sha256 = sha256

    def digest(self, before: bytes, body: bytes) -> bytes:
        return self._sha256
