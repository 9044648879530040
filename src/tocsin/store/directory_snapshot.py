"""What of the configuration is needed to take webhooks while the database is away, as bytes: who sends,
how that is proven and read. Not whom alerts are routed to, which is decided when they are committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import JSON, Table

from tocsin.store.directory_rows import DirectoryRows, RoutingRows
from tocsin.store.installation import newest_revision
from tocsin.store.tables import Heartbeat, Integration, IntegrationToken, Tenant, Workspace

NEVER_LOADED: Final = 0
"""A version that no database has: whatever compares them loads the configuration before it decides."""


class UnusableSnapshot(Exception):
    """It was made by another version of the program, or is none."""


class _Snapshot(Struct):
    revision: str
    """Of the schema; rows of another may have other columns."""
    workspaces: list[dict[str, Any]]
    tenants: list[dict[str, Any]]
    integrations: list[dict[str, Any]]
    tokens: list[dict[str, Any]]
    bound_heartbeats: list[dict[str, Any]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


def packed(rows: DirectoryRows) -> bytes:
    """A snapshot of `rows`. Secrets in it are encrypted as they are in the database."""
    return _encode(
        _Snapshot(
            newest_revision(),
            _plain(rows.workspaces),
            _plain(rows.tenants),
            _plain(rows.integrations),
            _plain(rows.tokens),
            _plain(rows.bound_heartbeats),
        )
    )


def unpacked(content: bytes) -> DirectoryRows:
    """What `packed` was given, without routing.

    Raises:
        UnusableSnapshot: see there.
    """
    try:
        snapshot = _decode(content)
        if snapshot.revision != newest_revision():
            raise UnusableSnapshot
        workspaces = _rows(Workspace.__table__, snapshot.workspaces)
        return DirectoryRows(
            NEVER_LOADED,
            workspaces,
            _rows(Tenant.__table__, snapshot.tenants),
            _rows(Integration.__table__, snapshot.integrations),
            _rows(IntegrationToken.__table__, snapshot.tokens),
            _rows(Heartbeat.__table__, snapshot.bound_heartbeats),
            {},
            {row.id: RoutingRows(row.id, None) for row in workspaces},
        )
    except msgspec.MsgspecError:
        raise UnusableSnapshot from None


def _plain(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in rows]


def _rows(table: Any, rows: list[dict[str, Any]]) -> list[Any]:
    readers = _readers(table)
    return [
        SimpleNamespace(**{name: readers[name](value) for name, value in row.items()})
        for row in rows
    ]


def _readers(table: Table) -> Mapping[str, Callable[[Any], Any]]:
    """How the values of each column get their type back."""
    return {
        column.name: _as_it_is
        if isinstance(column.type, JSON)
        else partial(msgspec.convert, type=column.type.python_type | None, strict=False)
        for column in table.columns
    }


def _as_it_is(value: Any) -> Any:
    return value
