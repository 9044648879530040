"""Changes and their audit rows, together: neither is written without the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events


@dataclass(frozen=True, slots=True)
class Kind:
    """How the audit log keeps a kind of object: `name` as it calls it, `document` what it keeps of
    a row, never a secret."""

    name: str
    document: Callable[[Any], Mapping[str, Any]]


def record(
    session: DatabaseSession,
    caller: Principal,
    action: str,
    object_type: str,
    object_id: UUID | None,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit_events.record(
        session,
        workspace_id=caller.workspace_id,
        actor=caller.actor,
        action=action,
        object_type=object_type,
        object_id=object_id,
        now=now,
        before=before,
        after=after,
    )


async def create(
    session: DatabaseSession, caller: Principal, kind: Kind, row: Any, now: datetime
) -> None:
    """Inserts `row`.

    Raises:
        NameTaken: its name or slug is another's.
    """
    await workspace_rows.add(session, row)
    record(session, caller, "created", kind.name, row.id, now, after=kind.document(row))


@asynccontextmanager
async def changing(
    session: DatabaseSession,
    caller: Principal,
    kind: Kind,
    row: Any,
    now: datetime,
    *,
    action: str = "updated",
) -> AsyncIterator[None]:
    """Writes what is set on `row` in the block; nothing is written, nor recorded, where nothing
    differs in the end.

    Raises:
        NameTaken: its new name or slug is another's.
    """
    before = kind.document(row)
    yield
    if not workspace_rows.is_changed(session, row):
        return
    row.updated_at = now
    await workspace_rows.write(session, row)
    was, became = audit_events.changed(before, kind.document(row))
    record(session, caller, action, kind.name, row.id, now, before=was, after=became)


def assign(row: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


async def delete(
    session: DatabaseSession, caller: Principal, kind: Kind, row: Any, now: datetime
) -> None:
    before = kind.document(row)
    await workspace_rows.delete(session, row, now)
    record(session, caller, "deleted", kind.name, row.id, now, before=before)
