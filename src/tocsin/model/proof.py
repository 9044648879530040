"""How a sender proves who it is."""

from __future__ import annotations

from enum import StrEnum


class AuthScheme(StrEnum):
    """How a sender proves who it is."""

    HMAC = "hmac"
    TOKEN = "token"  # noqa: S105 - the name of a scheme
    BASIC = "basic"
    URL = "url"
    SNS = "sns"

    @property
    def is_in_address(self) -> bool:
        """Whether the secret is a part of the address."""
        return self in (AuthScheme.URL, AuthScheme.SNS)


class SignatureAlgorithm(StrEnum):
    SHA256 = "sha256"
    SHA512 = "sha512"
    SHA1 = "sha1"


class SignatureFormat(StrEnum):
    HEX = "hex"
    BASE64 = "base64"


class SignedContent(StrEnum):
    """The bytes that an HMAC sender signs."""

    BODY = "body"
    TIMESTAMP_DOT_BODY = "timestamp.body"
    TIMESTAMP_COLON_BODY = "timestamp:body"
    ID_TIMESTAMP_BODY = "id.timestamp.body"
