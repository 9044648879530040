"""SQLAlchemy compiles a statement once for each engine. A test makes three of them, and a process of the
suite thousands: here they remember together what they compiled, as the one engine of a server does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGDialectAsync_psycopg
from sqlalchemy.util import LRUCache

_KINDS = (PGDialect_psycopg, PGDialectAsync_psycopg)


def remember_together() -> None:
    """From now on, for all engines of this process."""
    together: LRUCache[Any, Any] = LRUCache(3_000)
    make = Engine.__init__

    def made(self: Engine, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        if isinstance(self.dialect, _KINDS):
            self._compiled_cache = together

    Engine.__init__ = made  # type: ignore[method-assign]
    # They are part of the key by which a statement is found.
    for kind in _KINDS:
        kind.__eq__ = _is_alike  # type: ignore[assignment,method-assign]
        kind.__hash__ = _by_kind  # type: ignore[assignment,method-assign]


def _is_alike(one: Any, other: object) -> bool:
    return type(one) is type(other) and _version(one) == _version(other)


def _by_kind(one: Any) -> int:
    return hash(type(one))


def _version(dialect: object) -> object:
    return getattr(dialect, "server_version_info", None)
