"""How the statements of the queue are said: prepared, in binary, over one connection in autocommit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import set_json_loads

from tocsin.store.database import connect
from tocsin.store.statements import statement

# The statements are written so that each walks the front of one partial index. Statistics of a table
# whose pending rows come and go by the hundred thousand would talk the planner out of it.
PLANNER = """
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
    SET enable_memoize = off; SET jit = off;
    SET plan_cache_mode = force_generic_plan
"""

_json = msgspec.json.Encoder()


def document(items: Iterable[Any]) -> str:
    """JSON text of what a statement takes as one parameter."""
    return _json.encode(list(items)).decode()


class QueueStatements:
    """One connection. Not to be shared between tasks."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection

    @classmethod
    async def open(cls, url: str) -> QueueStatements:
        connection = await connect(url)
        set_json_loads(msgspec.json.decode, connection)
        await connection.execute(PLANNER)
        return cls(connection)

    async def rows(
        self, kind: type[Any], name: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        """What the statement of this name finds, each as a `kind`."""
        async with self.connection.cursor(binary=True, row_factory=class_row(kind)) as cursor:
            await cursor.execute(statement(name), parameters, prepare=True)
            return await cursor.fetchall()

    async def ids(self, name: str, parameters: Mapping[str, Any]) -> set[UUID]:
        """What it finds, where that is one id for each row."""
        async with self.connection.cursor(binary=True, row_factory=scalar_row) as cursor:
            await cursor.execute(statement(name), parameters, prepare=True)
            return set(await cursor.fetchall())

    async def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        await self.connection.execute(statement(name), parameters, prepare=True)
