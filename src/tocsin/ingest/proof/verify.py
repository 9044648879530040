"""Is this webhook from who it says? Checked over the raw bytes, before parsing, in constant time.

Schemes:
    hmac    one or several signatures in `signature_header`
    token   a static value in `signature_header`, after `signature_prefix`
    basic   the password of `Authorization: Basic` (RFC 7617)
    url     the secret as the last part of the path
    sns     the same, and the signature of Amazon SNS in the body
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tocsin.ingest.proof import sns
from tocsin.ingest.proof.scheme import (
    MAX_SECRETS,
    MAX_TOKENS,
    LiveSecret,
    Profile,
    decode_base64,
    time_sent,
)
from tocsin.model import AuthScheme, SignatureFormat, SignedContent

__all__ = ["LiveSecret", "Profile", "Refused", "Verified", "token_sent", "verify", "verify_token"]

MAX_CANDIDATES: Final = 10
"""Signatures of a known version that are looked at in one header; real senders put two or three."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not: `missing-signature`, `invalid-signature`, `stale-timestamp` or, of a sender that has
    named the right secret, `signature-unchecked`; never more, since the answer is read by
    strangers."""

    code: str


@dataclass(frozen=True, slots=True)
class Verified:
    """Which secret matched: 0 the current, 1 the previous one, if there is one, then the tokens."""

    secret_index: int


MISSING: Final = Refused("missing-signature")
INVALID: Final = Refused("invalid-signature")
STALE: Final = Refused("stale-timestamp")
UNCHECKED: Final = Refused("signature-unchecked")
"""The key that the body was signed with has yet to be fetched."""
_VERIFIED: Final = tuple(Verified(index) for index in range(MAX_SECRETS + MAX_TOKENS))


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
    that is right; a sender that cannot sign learns nothing about the clock."""
    scheme = profile.auth_scheme
    if scheme is AuthScheme.HMAC:
        return _verify_hmac(profile, headers, body, now)
    if scheme is AuthScheme.SNS:
        return _verify_sns(profile, body, now, path_secret or "")
    return verify_token(profile, token_sent(profile, headers, path_secret), now)


def token_sent(profile: Profile, headers: Mapping[str, str], path_secret: str | None) -> bytes:
    """The secret that a request of one that does not sign claims to have, where its integration
    expects it; empty if there is none."""
    scheme = profile.auth_scheme
    if scheme.is_in_address:
        return (path_secret or "").encode("utf-8", "surrogatepass")
    if scheme is AuthScheme.BASIC:
        return _password(profile, headers.get("authorization", ""))
    (names, *_) = profile.header_names
    return _token(profile, headers.get(names.signature, ""))


def _verify_sns(
    profile: Profile, body: bytes, now: datetime, path_secret: str
) -> Verified | Refused:
    verdict = verify_token(profile, path_secret.encode("utf-8", "surrogatepass"), now)
    if isinstance(verdict, Refused):
        return verdict
    envelope = sns.envelope_of(body)
    if envelope is None:
        return MISSING
    if not sns.is_certificate_of_sns(envelope.SigningCertURL):
        return INVALID
    key = profile.signing_keys.get(envelope.SigningCertURL)
    if key is None:
        return UNCHECKED
    if not sns.is_signed(envelope, key):
        return INVALID
    tolerance = timedelta(seconds=profile.timestamp_tolerance_seconds)
    return verdict if sns.is_fresh(envelope, now, tolerance) else STALE


def _verify_hmac(
    profile: Profile, headers: Mapping[str, str], body: bytes, now: datetime
) -> Verified | Refused:
    names = profile.header_names[0]
    header = headers.get(names.signature)
    if not header:
        names = profile.header_names[-1]
        if not (header := headers.get(names.signature)):
            return MISSING
    before = b""
    timestamp = ""
    content = profile.signed_content
    if content is not SignedContent.BODY:
        timestamp = time_sent(names, headers)
        if not timestamp:
            return MISSING
        if content is SignedContent.ID_TIMESTAMP_BODY:
            if not (delivery_id := headers.get(names.delivery_id, "")):
                return MISSING
            before = _raw(f"{delivery_id}.{timestamp}.")
        else:
            before = _raw(timestamp + content.value[len("timestamp")])
    candidates = _candidates(profile, header)
    if not candidates:
        return INVALID
    matched = -1
    index = -1
    for key, expires_at in profile.live_keys:
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
    prefix = profile.prefix
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
    size = profile.digest_size
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
            decoded = bytes.fromhex(text) if is_hex else decode_base64(text)
        except ValueError:
            continue
        if len(decoded) == size:
            found.append(decoded)
    return found


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
    prefix = profile.prefix
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
        user, colon, password = decode_base64(credentials.strip()).partition(b":")
    except ValueError:
        return _UNMATCHABLE
    if not colon or not password:
        return _UNMATCHABLE
    if profile.username is not None and not hmac.compare_digest(user, profile.username.encode()):
        return _UNMATCHABLE
    return password


# Means "something was sent, and it cannot be right": a secret holds no NUL.
_UNMATCHABLE: Final = b"\0"


def verify_token(profile: Profile, token: bytes, now: datetime) -> Verified | Refused:
    """Check a secret that is sent as it is, wherever in a request it was found; of an integration
    that signs, none is right."""
    if not token:
        return MISSING
    given = hashlib.sha256(token).digest()
    matched = -1
    index = -1
    for key, expires_at in profile.live_keys:
        index += 1
        if expires_at is not None and expires_at <= now:
            continue
        if hmac.compare_digest(key.digest(b"", b""), given) and matched < 0:
            matched = index
    return INVALID if matched < 0 else _VERIFIED[matched]
