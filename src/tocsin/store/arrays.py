"""Whole columns as PostgreSQL arrays in binary form, for the statements of the hot path.

psycopg dumps a list element by element through its adapters; a batch has forty-odd columns, so
these pack a column in one pass instead, and one that says the same in every row (half of them do) in
no more than one element. The layout is that of `array_recv` in PostgreSQL's
src/backend/utils/adt/arrayfuncs.c: dimensions, a null flag, the element type, length and lower bound,
then each element with its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any

from msgspec import Struct as Record

_HEADER = Struct("!iiIii").pack
_LENGTH = Struct("!i").pack
_INT4 = Struct("!ii").pack
_INT8 = Struct("!iq").pack
_NULL = b"\xff\xff\xff\xff"
_UUID_LENGTH = _LENGTH(16)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

# (element type, array type): pg_type.dat of PostgreSQL; these numbers never change.
_UUID, _TEXT, _INTEGER, _BIGINT, _TIMESTAMPTZ = (
    (2950, 2951),
    (25, 1009),
    (23, 1007),
    (20, 1016),
    (1184, 1185),
)


class Array(Record, frozen=True):
    """One packed column, or a single value, and the type of it."""

    oid: int
    data: bytes | None


def _time(value: datetime) -> bytes:
    since = value - _EPOCH
    return _INT8(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def _optional_time(value: datetime | None) -> bytes:
    return _NULL if value is None else _time(value)


def _optional_text(value: str | None) -> bytes:
    return _NULL if value is None else _text(value)


def _optional_uuid(value: bytes | None) -> bytes:
    return _NULL if value is None else _UUID_LENGTH + value


def _is_one(values: Sequence[Any]) -> bool:
    """Whether every row says the same."""
    return bool(values) and values[0] == values[-1] and values.count(values[0]) == len(values)


def _repeated(kind: tuple[int, int], part: bytes, count: int) -> Array:
    element, array = kind
    return Array(array, _HEADER(1, 1, element, count, 1) + part * count)


_latest_times: tuple[tuple[Sequence[datetime], Array], ...] = ()
"""The columns of times that were packed last: a batch has several of the same, such as when it came."""


def _array(kind: tuple[int, int], parts: list[bytes], *, joint: bytes = b"") -> Array:
    """`joint` stands before each part but the first, which is empty then."""
    element, array = kind
    if not parts:
        return Array(array, b"\0\0\0\0\0\0\0\0" + element.to_bytes(4))
    count = len(parts) - 1 if joint else len(parts)
    return Array(array, _HEADER(1, 1, element, count, 1) + joint.join(parts))


def _of_lengths(kind: tuple[int, int], parts: Sequence[bytes]) -> Array:
    """Each part behind its length, in one pass."""
    if not parts:
        return _array(kind, [])
    each = [b""] * (2 * len(parts))
    each[::2] = map(_LENGTH, map(len, parts))
    each[1::2] = parts
    element, array = kind
    return Array(array, _HEADER(1, 1, element, len(parts), 1) + b"".join(each))


def uuids(values: Sequence[bytes]) -> Array:
    """16 raw bytes each."""
    if not values:
        return _array(_UUID, [])
    return _array(_UUID, [b"", *values], joint=_UUID_LENGTH)


def optional_uuids(values: Sequence[bytes | None]) -> Array:
    if _is_one(values):
        return _repeated(_UUID, _optional_uuid(values[0]), len(values))
    return _array(_UUID, [_NULL if v is None else _UUID_LENGTH + v for v in values])


def texts(values: Sequence[str]) -> Array:
    if _is_one(values):
        return _repeated(_TEXT, _text(values[0]), len(values))
    return _of_lengths(_TEXT, list(map(str.encode, values)))


def optional_texts(values: Sequence[str | None]) -> Array:
    if _is_one(values):
        return _repeated(_TEXT, _optional_text(values[0]), len(values))
    return _array(_TEXT, list(map(_optional_text, values)))


def encoded(values: Sequence[bytes]) -> Array:
    """Text that is UTF-8 already; JSON, for a cast in the statement."""
    if _is_one(values):
        return _repeated(_TEXT, _LENGTH(len(values[0])) + values[0], len(values))
    return _of_lengths(_TEXT, values)


def integers(values: Sequence[int]) -> Array:
    if _is_one(values):
        return _repeated(_INTEGER, _INT4(4, values[0]), len(values))
    return _array(_INTEGER, [_INT4(4, v) for v in values])


def optional_integers(values: Sequence[int | None]) -> Array:
    return _array(_INTEGER, [_NULL if v is None else _INT4(4, v) for v in values])


def bigints(values: Sequence[int]) -> Array:
    return _array(_BIGINT, [_INT8(8, v) for v in values])


def optional_bigints(values: Sequence[int | None]) -> Array:
    return _array(_BIGINT, [_NULL if v is None else _INT8(8, v) for v in values])


def times(values: Sequence[datetime]) -> Array:
    if _is_one(values):
        return _repeated(_TIMESTAMPTZ, _time(values[0]), len(values))
    global _latest_times
    for before, array in _latest_times:
        if before == values:
            return array
    array = _array(_TIMESTAMPTZ, _in_runs(values))
    _latest_times = (values, array), *_latest_times[:3]
    return array


def _in_runs(values: Sequence[datetime]) -> list[bytes]:
    """What came together has the same times."""
    parts: list[bytes] = []
    last, part = None, b""
    for value in values:
        if value != last:
            last, part = value, _time(value)
        parts.append(part)
    return parts


def optional_times(values: Sequence[datetime | None]) -> Array:
    if _is_one(values):
        return _repeated(_TIMESTAMPTZ, _optional_time(values[0]), len(values))
    return _array(_TIMESTAMPTZ, list(map(_optional_time, values)))


def text(value: str | bytes | None) -> Array:
    """One text; bytes are UTF-8 already."""
    return Array(_TEXT[0], value.encode() if isinstance(value, str) else value)


def time(value: datetime | None) -> Array:
    """One `timestamptz`."""
    if value is None:
        return Array(_TIMESTAMPTZ[0], None)
    return Array(_TIMESTAMPTZ[0], _time(value)[4:])


def packed(value: Array | datetime | int | bytes) -> Array:
    """A single value, or a column that is packed already.

    Raises:
        TypeError: of a type that no statement of the hot path takes.
    """
    if type(value) is Array:
        return value
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, int):
        return Array(_BIGINT[0], _INT8(8, value)[4:])
    if isinstance(value, bytes) and len(value) == 16:
        return Array(_UUID[0], value)
    raise TypeError(f"cannot pack {type(value).__name__}")
