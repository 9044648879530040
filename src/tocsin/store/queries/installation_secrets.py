"""Secrets of the whole installation."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import InstallationSecret


async def keep_first(session: DatabaseSession, name: str, make: Callable[[], bytes]) -> bytes:
    """What is kept under this name; without any, what is made now, unless somebody was faster."""
    kept = select(InstallationSecret.sealed).where(InstallationSecret.name == name)
    if (found := await session.scalar(kept)) is not None:
        return found
    await session.execute(
        insert(InstallationSecret).values(name=name, sealed=make()).on_conflict_do_nothing()
    )
    sealed = await session.scalar(kept)
    assert sealed is not None
    return sealed
