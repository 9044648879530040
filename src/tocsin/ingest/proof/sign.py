"""Sign as an integration demands: the mirror of `verify`, for senders of our own."""

from __future__ import annotations

import binascii
import hmac
from datetime import datetime

from tocsin.ingest.proof.verify import Profile
from tocsin.model import AuthScheme, Secret, SignatureFormat, SignedContent


def sign(profile: Profile, body: bytes, now: datetime, *, delivery_id: str) -> dict[str, str]:
    """The headers that make `verify` accept `body` at `now`, signed with the current secret.

    For scheme `url` there are none; see `path_secret`.

    Raises:
        ValueError: the profile has no secret to sign with, or only Amazon can sign, or
            `delivery_id` is not ASCII.
    """
    secret = _current(profile)
    if profile.auth_scheme is AuthScheme.URL:
        return {}
    if profile.auth_scheme is AuthScheme.SNS:
        raise ValueError("only Amazon SNS can sign for this integration (auth_scheme sns)")
    if profile.auth_scheme is AuthScheme.BASIC:
        user = (profile.username or "tocsin").encode()
        credentials = binascii.b2a_base64(user + b":" + secret.reveal(), newline=False).decode()
        return {"Authorization": f"Basic {credentials}"}
    if profile.auth_scheme is AuthScheme.TOKEN:
        token = secret.reveal().decode("latin-1")
        return {profile.signature_header: f"{profile.signature_prefix or ''}{token}"}
    return _hmac_headers(profile, secret, body, now, delivery_id)


def path_secret(profile: Profile) -> str | None:
    """What follows the integration's id in the path: the secret for the schemes `url` and `sns`,
    else None."""
    if not profile.auth_scheme.is_in_address:
        return None
    return _current(profile).reveal_text()


def _hmac_headers(
    profile: Profile, secret: Secret, body: bytes, now: datetime, delivery_id: str
) -> dict[str, str]:
    headers: dict[str, str] = {}
    timestamp = str(int(now.timestamp()))
    if profile.id_header:
        headers[profile.id_header] = delivery_id
    if profile.timestamp_header:
        headers[profile.timestamp_header] = timestamp
    match profile.signed_content:
        case SignedContent.BODY:
            content = body
        case SignedContent.TIMESTAMP_DOT_BODY:
            content = f"{timestamp}.".encode() + body
        case SignedContent.TIMESTAMP_COLON_BODY:
            content = f"{timestamp}:".encode() + body
        case SignedContent.ID_TIMESTAMP_BODY:
            content = f"{delivery_id}.{timestamp}.".encode("ascii") + body
    digest = hmac.digest(profile.key_bytes(secret), content, profile.signature_algorithm.value)
    if profile.signature_format is SignatureFormat.HEX:
        value = digest.hex()
    else:
        value = binascii.b2a_base64(digest, newline=False).decode()
    value = f"{profile.signature_prefix or ''}{value}"
    (names, *_) = profile.header_names
    if profile.timestamp_header and names.timestamp == names.signature:
        del headers[profile.timestamp_header]
        value = f"t={timestamp},{value}"
    headers[profile.signature_header] = value
    return headers


def _current(profile: Profile) -> Secret:
    if not profile.secrets:
        raise ValueError("the integration has no secret to sign with")
    return profile.secrets[0].secret
