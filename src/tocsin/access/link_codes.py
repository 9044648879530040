"""Typed codes, counted over all nodes: a code of four digits must not be guessed by trying."""

from __future__ import annotations

from enum import StrEnum

from tocsin.access.links import CODE_DIGITS, LinkSigner, Token
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.link_codes import count_try, forget_tries, wrong_codes

WRONG_CODES_ALLOWED = 5


class CodeCheck(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


async def is_locked(session: DatabaseSession, signer: LinkSigner, text: str) -> bool:
    """Whether too many wrong codes were typed at this link."""
    return await wrong_codes(session, signer.episode(text)) >= WRONG_CODES_ALLOWED


async def check_code(
    session: DatabaseSession, signer: LinkSigner, text: str, token: Token, typed: str
) -> CodeCheck:
    """Check a code; commits nothing by itself. `text` is the token as it came, `token` as read.

    A try is counted before it is checked, or many at once would each find the count at zero; the right
    code takes its count back. Text that is not a code is not counted: mail scanners submit forms,
    and must not lock the reader out.
    """
    if not _looks_like_a_code(typed):
        return CodeCheck.LOCKED if await is_locked(session, signer, text) else CodeCheck.WRONG
    digest = signer.episode(text)
    tries = await count_try(session, digest, token.expires_at, most=WRONG_CODES_ALLOWED + 1)
    if tries > WRONG_CODES_ALLOWED:
        return CodeCheck.LOCKED
    if not signer.is_code(text, typed):
        return CodeCheck.WRONG if tries < WRONG_CODES_ALLOWED else CodeCheck.LOCKED
    await forget_tries(session, digest)
    return CodeCheck.RIGHT


def _looks_like_a_code(typed: str) -> bool:
    digits = "".join(typed.split())
    return len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit()
