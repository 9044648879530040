"""Ways to the database: a SQLAlchemy engine for ordinary queries, psycopg for the hot path.

Who asks holds one of the types named here, and need not know what they are made of.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from tocsin.store import configuration_lock

_OPTION = re.compile(r"-c\s*(\w+)=(\S+)")

Engine = AsyncEngine
"""A pool of connections to one database."""
Connection = AsyncConnection
DatabaseSession = AsyncSession
"""One connection of the pool and the transaction on it."""


def create_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An async engine over psycopg for a libpq URL (`postgresql://…`)."""

    async def creator() -> psycopg.AsyncConnection[TupleRow]:
        connection = await connect(url)
        # SQLAlchemy begins and ends transactions by itself.
        await connection.set_autocommit(False)
        return connection

    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        async_creator=creator,
    )


async def connect(
    url: str, *, options: str = "-c timezone=UTC", **others: Any
) -> psycopg.AsyncConnection[TupleRow]:
    """One raw connection, in UTC and autocommit unless told otherwise. `options` are settings of
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
        async with asyncio.timeout(within_seconds), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (DBAPIError, OSError, TimeoutError):
        return False
    return True
