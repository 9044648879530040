"""Records in a file that only grows, and what of them a crash or a failing disk has left. Pure.

A record is 16 bytes and its content: a mark, the content's length and CRC-32, and the CRC-32 of these
12 bytes. Two things can be wrong, and they mean the opposite of each other:

- a *torn* end: the file stops in the middle of a record, or goes on in zeros. Whoever wrote it died
  before it was flushed, so nobody was answered for it, and it is nothing.
- *damage*: anything else. What was there may have been answered for; it is never passed over in
  silence. Reading goes on at the next mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

_MARK: Final = b"TSP1"
_FIELDS: Final = Struct("!4sII")
_CHECK: Final = Struct("!I")
HEAD_BYTES: Final = _FIELDS.size + _CHECK.size
_ZEROS: Final = 8
"""More than a failing bit makes of a content's end."""


class Record(NamedTuple):
    content: bytes
    end: int
    """Where the next one begins."""


class Damage(NamedTuple):
    start: int
    end: int


class Torn(NamedTuple):
    """The end of the file from here on."""

    start: int


def framed(content: bytes) -> bytes:
    """A record as it is written. `content` does not end in zeros."""
    fields = _FIELDS.pack(_MARK, len(content), crc32(content))
    return fields + _CHECK.pack(crc32(fields)) + content


def read(data: bytes, start: int = 0) -> Iterator[Record | Damage | Torn]:
    """All of `data` from `start` on, where a record begins. `Torn` comes last, if at all."""
    place = start
    while place < len(data):
        found = _at(data, place)
        yield found
        if isinstance(found, Torn):
            return
        place = found.end


def _at(data: bytes, place: int) -> Record | Damage | Torn:
    head = data[place : place + HEAD_BYTES]
    if len(head) < HEAD_BYTES:
        is_begun = head[: len(_MARK)] == _MARK[: len(head)]
        return Torn(place) if is_begun or not any(head) else Damage(place, len(data))
    if not _is_head(head):
        if not any(memoryview(data)[place:]):
            return Torn(place)
        return Damage(place, _next_head(data, place + 1))
    _, length, checksum = _FIELDS.unpack(head[: _FIELDS.size])
    begin = place + HEAD_BYTES
    end = begin + length
    content = data[begin:end]
    if len(content) < length:
        return Torn(place)
    if crc32(content) == checksum:
        return Record(content, end)
    # The size of a file may reach the disk before all that is in it does.
    if content.endswith(bytes(_ZEROS)) and not any(memoryview(data)[end:]):
        return Torn(place)
    return Damage(place, end)


def _is_head(head: bytes) -> bool:
    fields = head[: _FIELDS.size]
    return fields.startswith(_MARK) and head[_FIELDS.size :] == _CHECK.pack(crc32(fields))


def _next_head(data: bytes, place: int) -> int:
    """Where the next record begins, else the end."""
    while (place := data.find(_MARK, place)) >= 0:
        if _is_head(data[place : place + HEAD_BYTES]):
            return place
        place += 1
    return len(data)
