"""Typed codes, counted over all nodes: a code of four digits must not be guessed by trying."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.access.links import CODE_DIGITS, LinkSigner, Token
from tocsin.store.tables import LinkCode

WRONG_CODES_ALLOWED = 5


class CodeCheck(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


async def is_locked(connection: AsyncConnection, signer: LinkSigner, text: str) -> bool:
    """Whether too many wrong codes were typed at this link."""
    wrong = await connection.scalar(
        select(LinkCode.wrong_count).where(LinkCode.token_digest == signer.episode(text))
    )
    return wrong is not None and wrong >= WRONG_CODES_ALLOWED


async def check_code(
    connection: AsyncConnection, signer: LinkSigner, text: str, token: Token, typed: str
) -> CodeCheck:
    """Check a code; commits nothing by itself. `text` is the token as it came, `token` as read.

    A try is counted before it is looked at, or many at once would each find the count at zero; the
    right code takes its count back. What is no code at all is not counted: mail scanners submit
    forms, and must not lock the reader out.
    """
    if not _looks_like_a_code(typed):
        return CodeCheck.LOCKED if await is_locked(connection, signer, text) else CodeCheck.WRONG
    digest = signer.episode(text)
    tries = await connection.scalar(
        insert(LinkCode)
        .values(token_digest=digest, wrong_count=1, expires_at=token.expires_at)
        .on_conflict_do_update(
            index_elements=[LinkCode.token_digest],
            set_={
                "wrong_count": func.least(LinkCode.wrong_count + 1, WRONG_CODES_ALLOWED + 1),
            },
        )
        .returning(LinkCode.wrong_count)
    )
    if tries is None or tries > WRONG_CODES_ALLOWED:
        return CodeCheck.LOCKED
    if not signer.is_code(text, typed):
        return CodeCheck.WRONG if tries < WRONG_CODES_ALLOWED else CodeCheck.LOCKED
    await connection.execute(delete(LinkCode).where(LinkCode.token_digest == digest))
    return CodeCheck.RIGHT


def _looks_like_a_code(typed: str) -> bool:
    digits = "".join(typed.split())
    return len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit()
