"""Is this webhook from who it says? Checked over the raw bytes, before parsing, in constant time.

Everything that depends on the configuration only is worked out once, when a `Profile` is made;
a verification then costs two hash updates per live secret.

Schemes:
    hmac    one or several signatures in `signature_header`
    token   a static value in `signature_header`, after `signature_prefix`
    basic   the password of `Authorization: Basic` (RFC 7617)
    url     the secret as the last part of the path
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tocsin.model import AuthScheme, Secret, SignatureAlgorithm, SignatureFormat, SignedContent

MAX_CANDIDATES: Final = 10
"""Signatures of a known version that are looked at in one header; real senders put two or three."""

SECRET_ENCODINGS: Final = ("text", "standard_webhooks")


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A secret that is accepted now; `expires_at` None means the current one."""

    secret: Secret
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not: `missing-signature`, `invalid-signature` or `stale-timestamp`; never more, since
    the answer is read by strangers."""

    code: str


@dataclass(frozen=True, slots=True)
class Verified:
    """Which secret matched: 0 the current, 1 the previous one."""

    secret_index: int


MISSING: Final = Refused("missing-signature")
INVALID: Final = Refused("invalid-signature")
STALE: Final = Refused("stale-timestamp")
_VERIFIED: Final = tuple(Verified(index) for index in range(8))


@dataclass(frozen=True, slots=True)
class Profile:
    """How one integration proves itself.

    `signature_prefix` is what stands before each signature (`sha256=`, `v1=`, `v1,`) or before a
    token (`Bearer `). `id_header` names the header whose value is signed for
    `id.timestamp.body` (`webhook-id` if not given). `secret_encoding` is `text` (the secret's
    UTF-8 bytes are the key) or `standard_webhooks` (`whsec_` is stripped, the rest is base64).

    Raises:
        ValueError: the combination cannot verify anything; the message says what to change and
            holds no secret.
    """

    auth_scheme: AuthScheme = AuthScheme.HMAC
    signature_header: str = "X-Webhook-Signature"
    signature_algorithm: SignatureAlgorithm = SignatureAlgorithm.SHA256
    signature_format: SignatureFormat = SignatureFormat.HEX
    signature_prefix: str | None = None
    signed_content: SignedContent = SignedContent.BODY
    timestamp_header: str | None = None
    timestamp_tolerance_seconds: int = 300
    secrets: tuple[LiveSecret, ...] = ()
    id_header: str | None = None
    secret_encoding: str = "text"  # noqa: S105 - the name of an encoding
    username: str | None = None
    """For `basic`: the user that must be named; None accepts any, since the password decides."""

    _names: tuple[tuple[str, str, str], ...] = field(init=False, repr=False, compare=False)
    _live: tuple[tuple[_Key, datetime | None], ...] = field(init=False, repr=False, compare=False)
    _digest_size: int = field(init=False, repr=False, compare=False)
    _prefix: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        # Plain strings from a table row are as good as the enums.
        set_(self, "auth_scheme", AuthScheme(self.auth_scheme))
        set_(self, "signature_algorithm", SignatureAlgorithm(self.signature_algorithm))
        set_(self, "signature_format", SignatureFormat(self.signature_format))
        set_(self, "signed_content", SignedContent(self.signed_content))
        self._check()
        if self.signed_content is SignedContent.ID_TIMESTAMP_BODY and not self.id_header:
            set_(self, "id_header", "webhook-id")
        header = self.signature_header.lower()
        names = [(header, (self.timestamp_header or "").lower(), (self.id_header or "").lower())]
        if names[0] == ("webhook-signature", "webhook-timestamp", "webhook-id"):
            # Svix sends its own names, or both; the values are the same.
            names.append(("svix-signature", "svix-timestamp", "svix-id"))
        set_(self, "_names", tuple(names))
        set_(self, "_prefix", self.signature_prefix or "")
        set_(self, "_digest_size", hashlib.new(self.signature_algorithm).digest_size)
        live = tuple((self._key(live.secret), live.expires_at) for live in self.secrets)
        set_(self, "_live", live)

    @property
    def timestamp_is_signed(self) -> bool:
        return self.signed_content is not SignedContent.BODY

    def _check(self) -> None:
        if self.auth_scheme is AuthScheme.SNS:
            raise ValueError(
                "auth_scheme sns is not available: bodies signed by Amazon SNS cannot be verified "
                "yet; use url or basic behind a private network, or another sender"
            )
        if self.secret_encoding not in SECRET_ENCODINGS:
            raise ValueError(f"secret_encoding must be one of {', '.join(SECRET_ENCODINGS)}")
        if len(self.secrets) > len(_VERIFIED):
            raise ValueError(f"at most {len(_VERIFIED)} secrets can be live at once")
        if self.auth_scheme in (AuthScheme.HMAC, AuthScheme.TOKEN) and not self.signature_header:
            raise ValueError(f"auth_scheme {self.auth_scheme} needs a signature_header")
        if self.auth_scheme is not AuthScheme.HMAC:
            return
        if self.timestamp_is_signed and not self.timestamp_header:
            raise ValueError(f"signed_content {self.signed_content} needs a timestamp_header")

    def _key(self, secret: Secret) -> _Key:
        if self.auth_scheme is AuthScheme.HMAC:
            return _HmacKey(self.signature_algorithm, self.key_bytes(secret))
        if not secret.reveal():
            raise ValueError("a secret is empty")
        return _TokenKey(hashlib.sha256(secret.reveal()).digest())

    def key_bytes(self, secret: Secret) -> bytes:
        """The HMAC key that a secret stands for.

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
        return binascii.a2b_base64(_padded(text.rstrip(b"=")), strict_mode=True)
    except binascii.Error:
        raise ValueError(
            "a Standard Webhooks secret reads whsec_ and then base64; this one does not decode"
        ) from None


def verify(
    profile: Profile,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    *,
    path_secret: str | None = None,
) -> Verified | Refused:
    """Check one request. `headers`: names in lower case, several values of one name joined with
    `, `, text as Latin-1 (that is, byte for byte). `stale-timestamp` is said only of a signature
    that is right; whoever cannot sign learns nothing about the clock."""
    scheme = profile.auth_scheme
    if scheme is AuthScheme.HMAC:
        return _verify_hmac(profile, headers, body, now)
    if scheme is AuthScheme.URL:
        given = (path_secret or "").encode("utf-8", "surrogatepass")
        return _verify_token(profile, given, now)
    if scheme is AuthScheme.BASIC:
        return _verify_token(profile, _password(profile, headers.get("authorization", "")), now)
    return _verify_token(profile, _token(profile, headers.get(profile._names[0][0], "")), now)


def _verify_hmac(
    profile: Profile, headers: Mapping[str, str], body: bytes, now: datetime
) -> Verified | Refused:
    names = profile._names[0]
    header = headers.get(names[0])
    if not header:
        names = profile._names[-1]
        if not (header := headers.get(names[0])):
            return MISSING
    before = b""
    timestamp = ""
    content = profile.signed_content
    if content is not SignedContent.BODY:
        timestamp = headers.get(names[1], "")
        if not timestamp:
            return MISSING
        if content is SignedContent.ID_TIMESTAMP_BODY:
            if not (delivery_id := headers.get(names[2], "")):
                return MISSING
            before = _raw(f"{delivery_id}.{timestamp}.")
        else:
            before = _raw(timestamp + content.value[len("timestamp")])
    candidates = _candidates(profile, header)
    if not candidates:
        return INVALID
    matched = -1
    index = -1
    for key, expires_at in profile._live:
        index += 1
        if expires_at is not None and expires_at <= now:
            continue
        expected = key.digest(before, body)
        for candidate in candidates:
            if hmac.compare_digest(expected, candidate) and matched < 0:
                matched = index
    if matched < 0:
        return INVALID
    if timestamp:
        return _check_time(profile, timestamp, now) or _VERIFIED[matched]
    return _VERIFIED[matched]


def _check_time(profile: Profile, timestamp: str, now: datetime) -> Refused | None:
    """Unix seconds in plain digits; thirteen digits and more are milliseconds."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
        return INVALID
    seconds = int(timestamp) // 1000 if len(timestamp) >= 13 else int(timestamp)
    if abs(int(now.timestamp()) - seconds) > profile.timestamp_tolerance_seconds:
        return STALE
    return None


def _candidates(profile: Profile, header: str) -> list[bytes]:
    """The signatures in a header that decode to a digest of the right size; all else is simply
    not a match. Lists are separated by commas or blanks; a version token such as `v1,` itself
    ends with a comma, so those lists are separated by blanks only."""
    prefix = profile._prefix
    if prefix.endswith(" "):
        # `HMAC <signature>`: the blank is part of the token, not a separator.
        header = header.replace(prefix, prefix := prefix.rstrip())
    if prefix.endswith(","):
        parts = header.split()
    elif "," in header or " " in header:
        parts = header.replace(",", " ").split()
    else:
        parts = [header]
    found: list[bytes] = []
    size = profile._digest_size
    is_hex = profile.signature_format is SignatureFormat.HEX
    skip = len(prefix)
    seen = 0
    for part in parts:
        if not part.startswith(prefix):
            continue
        seen += 1
        if seen > MAX_CANDIDATES:
            break
        text = part[skip:].strip(",")
        try:
            decoded = bytes.fromhex(text) if is_hex else _base64(text)
        except ValueError:
            continue
        if len(decoded) == size:
            found.append(decoded)
    return found


def _base64(text: str) -> bytes:
    """Standard or URL-safe alphabet, with or without padding. Raises ValueError."""
    standard = text.rstrip("=").replace("-", "+").replace("_", "/").encode("ascii")
    return binascii.a2b_base64(_padded(standard), strict_mode=True)


def _padded(unpadded: bytes) -> bytes:
    return unpadded + b"=" * (-len(unpadded) % 4)


def _raw(text: str) -> bytes:
    """The bytes a header came as; text that never was Latin-1 can only come from our own signer."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _token(profile: Profile, value: str) -> bytes:
    value = value.strip()
    if not value:
        return b""
    prefix = profile._prefix
    if prefix:
        # An auth-scheme is case-insensitive (RFC 9110, section 11.1).
        if value[: len(prefix)].lower() != prefix.lower():
            return _UNMATCHABLE
        value = value[len(prefix) :].lstrip()
    return _raw(value) or _UNMATCHABLE


def _password(profile: Profile, value: str) -> bytes:
    scheme, _, credentials = value.strip().partition(" ")
    if not scheme:
        return b""
    if scheme.lower() != "basic":
        return _UNMATCHABLE
    try:
        user, colon, password = _base64(credentials.strip()).partition(b":")
    except ValueError:
        return _UNMATCHABLE
    if not colon or not password:
        return _UNMATCHABLE
    if profile.username is not None and not hmac.compare_digest(user, profile.username.encode()):
        return _UNMATCHABLE
    return password


# Stands for "something was sent, and it cannot be right": a secret holds no NUL.
_UNMATCHABLE: Final = b"\0"


def _verify_token(profile: Profile, token: bytes, now: datetime) -> Verified | Refused:
    if not token:
        return MISSING
    given = hashlib.sha256(token).digest()
    matched = -1
    index = -1
    for key, expires_at in profile._live:
        index += 1
        if expires_at is not None and expires_at <= now:
            continue
        if hmac.compare_digest(key.digest(b"", b""), given) and matched < 0:
            matched = index
    return INVALID if matched < 0 else _VERIFIED[matched]


class _Key:
    __slots__ = ()

    def digest(self, before: bytes, body: bytes) -> bytes:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "Key([redacted])"


class _HmacKey(_Key):
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


class _TokenKey(_Key):
    __slots__ = ("_sha256",)

    def __init__(self, sha256: bytes) -> None:
        self._sha256 = sha256

    def digest(self, before: bytes, body: bytes) -> bytes:
        return self._sha256
