"""Connections of a pool are bounded by the database itself, whatever the caller does."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.support.postgres import Database
from tocsin.store.database import create_engine


async def test_a_statement_that_takes_too_long_is_ended_by_the_database(database: Database) -> None:
    engine = create_engine(database.url, pool_size=1, statement_seconds=1)
    try:
        async with engine.connect() as connection:
            with pytest.raises(OperationalError, match="statement timeout"):
                await connection.execute(text("SELECT pg_sleep(20)"))
    finally:
        await engine.dispose()
