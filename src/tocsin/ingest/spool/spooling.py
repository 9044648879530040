"""What of the spool runs in a process that takes webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from tocsin.access.vault import Vault
from tocsin.alerts.directory import directory_of
from tocsin.heartbeats.pings import Pings
from tocsin.ingest.lanes import SHARE, Lanes
from tocsin.ingest.senders import Senders
from tocsin.ingest.spool import segments, snapshot
from tocsin.ingest.spool.drain import Drain
from tocsin.ingest.spool.snapshot import SnapshotKeeper
from tocsin.ingest.spool.spool import CHUNK, CHUNK_BYTES, Spool
from tocsin.rounds import background
from tocsin.settings import Settings


@dataclass(slots=True)
class Spooling:
    """One per process."""

    settings: Settings
    url: str
    vault: Vault
    senders: Senders
    pings: Pings
    spool: Spool

    @classmethod
    def of(
        cls, settings: Settings, url: str, vault: Vault, senders: Senders, pings: Pings
    ) -> Spooling:
        spool = Spool(settings.data_dir, vault, settings.spool_limit)
        return cls(settings, url, vault, senders, pings, spool)

    def begin_without_database(self) -> None:
        """With the senders that were there when this machine last saw the database.

        Raises:
            LookupError: nobody knows them.
        """
        rows = snapshot.read(self.settings.data_dir, self.vault)
        if rows is None:
            raise LookupError("there is no configuration to begin with")
        self.senders.feed.current = directory_of(rows)
        self.spool.hold()

    @staticmethod
    def is_needed(settings: Settings) -> bool:
        """Whether there is to be one, or was one that holds something still."""
        return settings.spool_limit > 0 or segments.is_there(settings.data_dir)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """With what earlier processes have left; at the end, what is in it stays for the next.

        Raises:
            OSError: the folder of the spool cannot be used.
        """
        self.spool.open()
        try:
            yield
        finally:
            self.spool.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Empty it, now and whenever the database is back. `pings` have to be under way."""
        lanes = Lanes(
            self.url,
            self.senders,
            # Room for a chunk in each of them.
            queue_limit=SHARE * CHUNK,
            body_bytes=SHARE * CHUNK_BYTES,
            keep_rejected=self.settings.rejected_keep,
        )
        drain = Drain(
            self.url,
            self.spool,
            self.senders,
            lanes,
            self.pings,
            rejected_body_bytes=self.settings.rejected_body_bytes,
            body_limit=self.settings.max_body_bytes,
        )
        committing = asyncio.create_task(lanes.run(), name="spool lanes")
        try:
            async with background(drain.run(), "spool"):
                yield
        finally:
            lanes.close()
            await committing

    @contextlib.asynccontextmanager
    async def keeping_configuration(self) -> AsyncIterator[None]:
        """On the disk, encrypted, as it changes; with an embedded database nothing would begin by it."""
        if self.settings.database_url is None or not self.settings.spool_limit:
            yield
            return
        keeper = SnapshotKeeper(self.spool.folder, self.vault)
        self.senders.feed.on_load = keeper.note
        async with background(keeper.run(), "configuration snapshot"):
            yield
