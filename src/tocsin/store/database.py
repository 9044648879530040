"""Ways to the database: a SQLAlchemy engine for ordinary queries, psycopg for the hot path.

Who asks holds one of the types named here, and need not know what they are made of.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from tocsin.deadline import within
from tocsin.store import configuration_lock

_OPTION = re.compile(r"-c\s*(\w+)=(\S+)")

_CONNECT_SECONDS = 5
"""To connect, and to wait for a connection of the pool to be free."""

DIALECT = "postgresql+psycopg://"
"""What SQLAlchemy knows of the address: it cannot read one with several hosts, which libpq can."""

Engine = AsyncEngine
"""A pool of connections to one database."""
Connection = AsyncConnection
RawConnection = psycopg.AsyncConnection[TupleRow]
"""psycopg's own, for notifications and the hot path."""
DatabaseSession = AsyncSession
"""One connection of the pool and the transaction on it."""


def create_engine(
    url: str, *, pool_size: int = 8, statement_seconds: int = 0, lock_seconds: int = 0
) -> Engine:
    """An async engine over psycopg for a libpq URL (`postgresql://…`). No statement takes longer
    than `statement_seconds`, nor waits longer than `lock_seconds` for a lock; 0 is no bound."""
    options = (
        f"-c timezone=UTC -c statement_timeout={statement_seconds}s -c lock_timeout={lock_seconds}s"
    )

    async def creator() -> RawConnection:
        connection = await connect(url, options=options, connect_timeout=_CONNECT_SECONDS)
        # SQLAlchemy begins and ends transactions by itself.
        await connection.set_autocommit(False)
        return connection

    return create_async_engine(
        DIALECT,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_CONNECT_SECONDS,
        pool_pre_ping=True,
        async_creator=creator,
        # Nothing here is one; each connection would be asked for it.
        use_native_hstore=False,
    )


async def connect(url: str, *, options: str = "-c timezone=UTC", **others: Any) -> RawConnection:
    """One raw connection, in UTC and autocommit unless asked otherwise. `options` are settings of
    the server for it, written as libpq has them: `-c name=value`, apart by spaces."""
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, application_name="tocsin", **others
    )
    # Not while connecting: a pooler refuses settings that it does not know.
    if chosen := _OPTION.findall(options):
        asked = ", ".join("set_config(%s, %s, false)" for _ in chosen)
        try:
            await connection.execute(f"SELECT {asked}", [part for pair in chosen for part in pair])
        except BaseException:
            await connection.close()
            raise
    return connection


def _session(engine: Engine) -> DatabaseSession:
    # What is changed is written where the code says so, never by the next look at something else.
    return AsyncSession(engine, expire_on_commit=False, autoflush=False)


@asynccontextmanager
async def reading(engine: Engine) -> AsyncIterator[DatabaseSession]:
    """A session for looking; nothing is committed."""
    async with _session(engine) as session:
        yield session


@asynccontextmanager
async def writing(engine: Engine) -> AsyncIterator[DatabaseSession]:
    """One transaction: commits at the end, rolls back if anything is raised."""
    async with _session(engine) as session, session.begin():
        yield session


@asynccontextmanager
async def configuring(engine: Engine) -> AsyncIterator[DatabaseSession]:
    """One transaction that changes configuration, alone in doing so."""
    async with writing(engine) as session:
        await configuration_lock.hold(session)
        yield session


async def is_answering(engine: Engine, *, within_seconds: float) -> bool:
    """Whether the database answers a question at this moment."""
    try:
        await within(within_seconds, _ask(engine))
    except (DBAPIError, PoolTimeout, OSError, TimeoutError):
        return False
    return True


async def can_write(engine: Engine, *, within_seconds: float) -> bool:
    """Whether a transaction that writes is committed at this moment. What it writes is the lock of a
    row that is never changed while servers run: nothing grows, and yet it goes to the disk."""
    try:
        await within(within_seconds, _write(engine))
    except (DBAPIError, PoolTimeout, OSError, TimeoutError):
        return False
    return True


async def _write(engine: Engine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("SELECT version_num FROM alembic_version FOR NO KEY UPDATE"))


async def _ask(engine: Engine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
