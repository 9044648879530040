"""Ways to the database: a SQLAlchemy engine for ordinary queries, psycopg for the hot path."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def create_engine(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """An async engine over psycopg for a libpq URL (`postgresql://…`)."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"application_name": "tocsin", "options": "-c timezone=UTC"},
    )


async def connect(url: str, **options: Any) -> psycopg.AsyncConnection[TupleRow]:
    """One raw connection, in UTC, autocommit unless told otherwise."""
    return await psycopg.AsyncConnection.connect(
        url,
        **{
            "autocommit": True,
            "application_name": "tocsin",
            "options": "-c timezone=UTC",
            **options,
        },
    )
