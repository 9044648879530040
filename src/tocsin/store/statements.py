"""The few hard statements, kept as SQL files with their reasons beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_PARAMETER = re.compile(rb"%\((\w+)\)s")
_PART = re.compile(rb":PART\((\w+)\)")

CONFIGURATION_LOCK = 7238539205
"""The key of the lock in `configuration_lock.py`; the triggers in the migrations have it, too."""


@dataclass(frozen=True, slots=True)
class Statement:
    """`sql` with `$1…`, and the names that the file gives them, in that order."""

    name: str
    sql: bytes
    parameters: tuple[str, ...]

    @property
    def is_voidable(self) -> bool:
        """Whether it does nothing where what its transaction writes is void (`void_unless_news.sql`)."""
        return b"'tocsin.void'" in self.sql


@cache
def statement(name: str) -> bytes:
    """The text of `store/sql/{name}.sql`; parameters are written `%(name)s`, as psycopg has them.

    `:CONFIGURATION_LOCK` is replaced by the key of that lock, and `:PART(each)` by the text of
    `store/sql/parts/{each}.sql`: a condition that is needed in several places.
    """
    folder = resources.files("tocsin.store").joinpath("sql")

    def part(match: re.Match[bytes]) -> bytes:
        return folder.joinpath("parts", f"{match[1].decode()}.sql").read_bytes()

    text = _PART.sub(part, folder.joinpath(f"{name}.sql").read_bytes())
    return text.replace(b":CONFIGURATION_LOCK", b"%d" % CONFIGURATION_LOCK)


@cache
def prepared(name: str) -> Statement:
    """The same, as a `Pipe` wants it."""
    return parsed(name, statement(name))


def parsed(name: str, text: bytes) -> Statement:
    names: list[str] = []

    def numbered(match: re.Match[bytes]) -> bytes:
        parameter = match[1].decode()
        if parameter not in names:
            names.append(parameter)
        return b"$%d" % (names.index(parameter) + 1)

    return Statement(name, _PARAMETER.sub(numbered, text), tuple(names))
