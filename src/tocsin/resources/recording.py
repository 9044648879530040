"""Changes and their audit rows, together: no route writes the one without the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.access.api_keys import Principal
from tocsin.resources.fields import Output
from tocsin.store import audit
from tocsin.store.tables import Base

_O = TypeVar("_O", bound=Output)


def record(
    session: AsyncSession,
    caller: Principal,
    action: str,
    kind: str,
    object_id: UUID | None,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        session,
        workspace_id=caller.workspace_id,
        actor=caller.actor,
        action=action,
        object_type=kind,
        object_id=object_id,
        now=now,
        before=before,
        after=after,
    )


async def create(
    session: AsyncSession, caller: Principal, kind: str, row: Any, show: type[_O], now: datetime
) -> _O:
    """Inserts `row`; answers what may be shown of it.

    Raises:
        sqlalchemy.exc.IntegrityError: if a constraint stands against it.
    """
    session.add(row)
    await session.flush()
    answer = show.model_validate(row)
    record(session, caller, "created", kind, row.id, now, after=answer.document())
    return answer


async def update(
    session: AsyncSession,
    caller: Principal,
    kind: str,
    row: Any,
    values: Mapping[str, Any],
    show: type[_O],
    now: datetime,
) -> _O:
    """Sets `values` on `row`; nothing is written, nor recorded, where nothing differs.

    Raises:
        sqlalchemy.exc.IntegrityError: if a constraint stands against it.
    """
    before = show.model_validate(row).document()
    changes = {name: value for name, value in values.items() if getattr(row, name) != value}
    if changes:
        for name, value in changes.items():
            setattr(row, name, value)
        row.updated_at = now
        await session.flush()
        was, became = audit.changed(before, show.model_validate(row).document())
        record(session, caller, "updated", kind, row.id, now, before=was, after=became)
    return show.model_validate(row)


async def delete(
    session: AsyncSession, caller: Principal, kind: str, row: Base, show: type[_O], now: datetime
) -> None:
    shown = show.model_validate(row).document()
    await session.delete(row)
    await session.flush()
    record(session, caller, "deleted", kind, UUID(shown["id"]), now, before=shown)
