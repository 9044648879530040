"""A node whose way to the database can be cut, and what there is to see afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ingest.harness import Harness, Posted, harness
from tests.support.postgres import Database
from tests.support.workspace import KEY, Sender
from tocsin.access.vault import Vault
from tocsin.heartbeats.pings import Pings
from tocsin.ingest.received_webhook import Answer
from tocsin.ingest.spool import segments
from tocsin.ingest.spool.spool import Spool
from tocsin.ingest.spool.spooling import Spooling
from tocsin.rounds import background
from tocsin.settings import Settings


class Node:
    """One node whose way to the database can be cut."""

    def __init__(self, hub: Harness, spool: Spool, url: str) -> None:
        self.hub, self.spool, self.url = hub, spool, url

    def post(self, sender: Sender, *posted: Posted | dict[str, Any]) -> list[Answer]:
        return self.hub.post(sender, *posted)

    def empty(self) -> None:
        """Into the database."""
        settings = Settings(data_dir=self.spool.data_dir)

        async def main() -> None:
            pings = Pings(self.url, queue_limit=100)
            spooling = Spooling(
                settings, self.url, self.spool.vault, self.hub.senders, pings, self.spool
            )
            async with (
                background(pings.run(), "pings"),
                spooling.running(),
                asyncio.timeout(30),
            ):
                while self.spool.is_holding:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)

        self.hub.run(main())


@contextmanager
def node(url: str, folder: Path, *, limit: int = 1_000_000, key: Any = KEY) -> Iterator[Node]:
    spool = Spool(folder, Vault([key]), limit)
    spool.open()
    try:
        with harness(url, spool=spool) as hub:
            yield Node(hub, spool, url)
    finally:
        spool.close()


def alerts(database: Database) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute("SELECT title, status FROM alerts ORDER BY id").fetchall()


def deliveries(database: Database) -> list[dict[str, Any]]:
    with database.connect() as connection:
        cursor = connection.execute(
            "SELECT id, outcome, status_code, flags, created_at, processed_at, error_message,"
            " headers, duplicate_of_id FROM webhook_deliveries ORDER BY id"
        )
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def files(spool: Spool) -> list[Path]:
    return sorted(spool.folder.glob(f"*{segments.SUFFIX}"))


async def begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def ended(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(30):
        await task
