"""Cursor pagination: `?limit=&cursor=` → `items`, `next_cursor`; newest first.

A cursor is the place of the last item, bound to its list and checked, so that a foreign or damaged
one is told apart from the end of the list. It carries nothing that its holder has not seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from tocsin.api.problems import ApiProblem
from tocsin.resources.fields import NO_NUL, Output

_CHECK_BYTES = 8
_T = TypeVar("_T")


class PageQuery(BaseModel):
    """Every list takes these; a misspelt parameter is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most")] = 50
    cursor: Annotated[
        str | None,
        Field(description="next_cursor of the page before", max_length=200, pattern=NO_NUL),
    ] = None


class Page(Output, Generic[_T]):
    items: list[_T]
    next_cursor: Annotated[
        str | None, Field(description="Pass it on as cursor for what follows; null at the end")
    ]


def _check(list_name: str, place: bytes) -> bytes:
    return hashlib.sha256(list_name.encode() + b"\0" + place).digest()[:_CHECK_BYTES]


def encode_cursor(list_name: str, place: UUID) -> str:
    raw = place.bytes + _check(list_name, place.bytes)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(list_name: str, cursor: str) -> UUID:
    """Raises:
    ApiProblem: `bad-cursor` unless `encode_cursor` made it for this list.
    """
    problem = ApiProblem("bad-cursor", "The cursor was not made by this list; begin without one.")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise problem from None
    # Made anew and compared, so that no other spelling of a cursor passes for it.
    if len(raw) != 16 + _CHECK_BYTES or encode_cursor(list_name, UUID(bytes=raw[:16])) != cursor:
        raise problem
    return UUID(bytes=raw[:16])


async def fetch_page(
    session: AsyncSession,
    statement: Select[_T],
    *,
    key: InstrumentedAttribute[UUID],
    query: PageQuery,
    list_name: str,
    oldest_first: bool = False,
) -> tuple[Sequence[_T], str | None]:
    """One page of entities in the order of their ids, and the cursor of the next, if any."""
    if query.cursor is not None:
        place = decode_cursor(list_name, query.cursor)
        statement = statement.where(key > place if oldest_first else key < place)
    statement = statement.order_by(key.asc() if oldest_first else key.desc())
    rows: Sequence[Any] = (await session.scalars(statement.limit(query.limit + 1))).all()
    if len(rows) <= query.limit:
        return rows, None
    rows = rows[: query.limit]
    return rows, encode_cursor(list_name, getattr(rows[-1], key.key))
