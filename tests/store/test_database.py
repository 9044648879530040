"""Ways to the database: what bounds them, and what addresses they take."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.support.postgres import Database
from tocsin.store.database import create_engine, is_answering
from tocsin.store.installation import is_current
from tocsin.store.migrate import check, upgrade


async def test_a_statement_that_takes_too_long_is_ended_by_the_database(database: Database) -> None:
    engine = create_engine(database.url, pool_size=1, statement_seconds=1)
    try:
        async with engine.connect() as connection:
            with pytest.raises(OperationalError, match="statement timeout"):
                await connection.execute(text("SELECT pg_sleep(20)"))
    finally:
        await engine.dispose()


async def test_an_address_may_name_several_servers(database: Database) -> None:
    # As libpq has it: the first that can be written to is the one.
    parts = conninfo_to_dict(database.url)
    here = f"{quote(str(parts['host']), safe='')}:{parts.get('port', 5432)}"
    user = quote(str(parts["user"]), safe="")
    url = (
        f"postgresql://{user}@%2Fnowhere:5432,{here}/{parts['dbname']}"
        "?target_session_attrs=read-write"
    )
    upgrade(url)
    assert is_current(url)
    assert check(url) == []
    engine = create_engine(url, pool_size=1)
    try:
        assert await is_answering(engine, within_seconds=20)
    finally:
        await engine.dispose()
