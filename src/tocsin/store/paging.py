"""Lists in pages, newest first: where a page begins, and the conditions that lists share.

A cursor is the place of the last item, bound to its list and checked, so that a foreign or damaged
one is distinguished from the end of the list. It holds nothing that the caller has not seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_
from sqlalchemy.orm import InstrumentedAttribute

from tocsin.store.database import DatabaseSession

_CHECK_BYTES = 8
_T = TypeVar("_T")


class BadCursor(Exception):
    """The cursor was not made by the list that it was given to."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    limit: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class RowPage(Generic[_T]):
    """`next_cursor` is None at the end of the list."""

    rows: Sequence[_T]
    next_cursor: str | None


def _check(list_name: str, place: bytes) -> bytes:
    return hashlib.sha256(list_name.encode() + b"\0" + place).digest()[:_CHECK_BYTES]


def encode_cursor(list_name: str, place: UUID) -> str:
    raw = place.bytes + _check(list_name, place.bytes)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(list_name: str, cursor: str) -> UUID:
    """The place that `encode_cursor` put into it.

    Raises:
        BadCursor: unless it was made for this list.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadCursor from None
    # Encoded again and compared, so that no other spelling of a cursor is accepted.
    if len(raw) != 16 + _CHECK_BYTES or encode_cursor(list_name, UUID(bytes=raw[:16])) != cursor:
        raise BadCursor
    return UUID(bytes=raw[:16])


async def fetch_page(
    session: DatabaseSession,
    statement: Select[_T],
    request: PageRequest,
    *,
    key: InstrumentedAttribute[UUID],
    list_name: str,
    oldest_first: bool = False,
) -> RowPage[_T]:
    """One page of the statement's rows in the order of `key`.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    if request.cursor is not None:
        place = decode_cursor(list_name, request.cursor)
        statement = statement.where(key > place if oldest_first else key < place)
    statement = statement.order_by(key.asc() if oldest_first else key.desc())
    rows: Sequence[Any] = (await session.scalars(statement.limit(request.limit + 1))).all()
    if len(rows) <= request.limit:
        return RowPage(rows, None)
    rows = rows[: request.limit]
    return RowPage(rows, encode_cursor(list_name, getattr(rows[-1], key.key)))


def equal(
    *pairs: tuple[InstrumentedAttribute[Any], object | None],
) -> Iterable[ColumnElement[bool]]:
    """Each column is the value beside it, where there is one."""
    return [column == value for column, value in pairs if value is not None]


def any_of(
    column: InstrumentedAttribute[Any], values: Sequence[object]
) -> Iterable[ColumnElement[bool]]:
    """The column is one of the values, if there are any."""
    return [column.in_(values)] if values else []


def within(
    column: InstrumentedAttribute[datetime], since: datetime | None, until: datetime | None
) -> Iterable[ColumnElement[bool]]:
    """The time is `since` or later and before `until`, as far as they are given."""
    conditions = []
    if since is not None:
        conditions.append(column >= since)
    if until is not None:
        conditions.append(column < until)
    return conditions


def contains_text(
    text: str | None, *columns: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
) -> Iterable[ColumnElement[bool]]:
    """One of the columns holds `text`, in any case; `%` and `_` have no special meaning."""
    if text is None:
        return []
    return [or_(*(column.icontains(text, autoescape=True) for column in columns))]
