"""Links that act: acknowledge or resolve an alert, or those that a message lists, from the message.

A token says who may do what to which of them until when, and is signed; nothing else is stored.
Its key is derived from each key of the vault (HKDF-SHA256, RFC 5869), so rotating those rotates
this. Opening a link changes nothing: mail scanners open links, and some submit forms. Acting takes
the short code shown in the message beside the link, which is derived from the token and so is
not stored either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tocsin.model import Secret

LIFETIME = timedelta(hours=24)


CODE_DIGITS = 4


_VERSION = 1


_HEAD = struct.Struct("!BBI16s16s")
"""Version, action, expiry in seconds since 1970, subject, destination; the recipient follows."""


_TAG_BYTES = 16


_LONGEST_TOKEN = 2_048


class LinkAction(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    VIEW = "view"
    # The same for the alerts that a message about several lists; the message is the subject.
    ACKNOWLEDGE_LISTED = "acknowledge_listed"
    RESOLVE_LISTED = "resolve_listed"
    VIEW_LISTED = "view_listed"

    @property
    def is_of_several(self) -> bool:
        return self in (self.ACKNOWLEDGE_LISTED, self.RESOLVE_LISTED, self.VIEW_LISTED)


_NUMBERS = {action: number for number, action in enumerate(LinkAction, 1)}


_ACTIONS = {number: action for action, number in _NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Token:
    """`subject_id` is the alert, or the message that lists several. `recipient` names, for people, who
    got the link: a mail address, or the destination."""

    subject_id: UUID
    action: LinkAction
    destination_id: UUID
    recipient: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Expired:
    """Signed by us, but past its time."""

    token: Token


@dataclass(frozen=True, slots=True)
class Invalid:
    """Not made by us, or changed on the way."""


class LinkSigner:
    def __init__(self, keys: Sequence[Secret]) -> None:
        """`keys` are the vault's: the first signs, all verify."""
        if not keys:
            raise ValueError("links need at least one key")
        self._keys = [_derive(key) for key in keys]

    def sign(self, token: Token) -> str:
        """The token as text for a URL's path."""
        return _signed(token, self._keys[0])

    def for_action(self, text: str, action: LinkAction) -> str:
        """The token that does something else with the same, of the same message: it has the same code,
        also where the keys were changed meanwhile.

        Raises:
            ValueError: if it is not ours.
        """
        found = self._open(text)
        if found is None:
            raise ValueError("not a token of ours")
        token, key = found
        return _signed(replace(token, action=action), key)

    def read(self, text: str, now: datetime) -> Token | Expired | Invalid:
        found = self._open(text)
        if found is None:
            return Invalid()
        token, _ = found
        return token if now < token.expires_at else Expired(token)

    def code(self, text: str) -> str:
        """The short code of a token of ours: the same for every action of one message, so that a
        reader has one code to type.

        Raises:
            ValueError: if it is not ours.
        """
        number = int.from_bytes(self._episode_tag(text, b"code")) % 10**CODE_DIGITS
        return f"{number:0{CODE_DIGITS}d}"

    def reply_code(self, subject_id: UUID, destination_id: UUID) -> str:
        """What a reply names an alert by, or a message about several: short, and the same for as long
        as the alert lives. It selects; who replies is proved otherwise."""
        return self.reply_codes(subject_id, destination_id)[0]

    def reply_codes(self, subject_id: UUID, destination_id: UUID) -> list[str]:
        """With each key: an answer may come after the keys were changed."""
        said = subject_id.bytes + destination_id.bytes
        numbers = (int.from_bytes(_tag(key, b"reply", said)) for key in self._keys)
        return [f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}" for number in numbers]

    def episode(self, text: str) -> UUID:
        """What the tokens of one message to one reader have in common, for counting wrong codes.

        Raises:
            ValueError: if it is not ours.
        """
        return UUID(bytes=self._episode_tag(text, b"episode"))

    def is_code(self, text: str, typed: str) -> bool:
        """Whether `typed` is the code of the token; in constant time. Spaces do not matter."""
        digits = "".join(typed.split()).encode("utf-8", "replace")
        return hmac.compare_digest(self.code(text).encode(), digits)

    def _episode_tag(self, text: str, use: bytes) -> bytes:
        found = self._open(text)
        if found is None:
            raise ValueError("not a token of ours")
        token, key = found
        said = token.subject_id.bytes + token.destination_id.bytes + token.recipient.encode()
        return _tag(key, use, said + struct.pack("!I", int(token.expires_at.timestamp())))

    def _open(self, text: str) -> tuple[Token, bytes] | None:
        if len(text) > _LONGEST_TOKEN:
            return None
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return None
        if _text(raw) != text or len(raw) < _HEAD.size + _TAG_BYTES:
            return None
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        for key in self._keys:
            if hmac.compare_digest(_tag(key, b"token", body), tag):
                return _parse(body), key
        return None


def _signed(token: Token, key: bytes) -> str:
    body = _HEAD.pack(
        _VERSION,
        _NUMBERS[token.action],
        int(token.expires_at.timestamp()),
        token.subject_id.bytes,
        token.destination_id.bytes,
    ) + token.recipient.encode("utf-8", "replace")
    return _text(body + _tag(key, b"token", body))


def _parse(body: bytes) -> Token:
    """What a token with a valid signature says."""
    _, action, expires, subject, destination = _HEAD.unpack(body[: _HEAD.size])
    return Token(
        subject_id=UUID(bytes=subject),
        action=_ACTIONS[action],
        destination_id=UUID(bytes=destination),
        recipient=body[_HEAD.size :].decode(),
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def _derive(key: Secret) -> bytes:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"tocsin message links v1")
    return kdf.derive(base64.urlsafe_b64decode(key.reveal()))


def _tag(key: bytes, use: bytes, data: bytes) -> bytes:
    return hmac.digest(key, use + b"\0" + data, hashlib.sha256)[:_TAG_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
