"""Webhooks that are on this machine's disk because the database is away.

    if spool.is_holding:          # what came earlier is still here, so this goes behind it
        await spool.keep(webhooks)

One per process. While it holds anything, all that arrives goes through it, so that none overtakes
another; `drain` empties it. See docs/adr/0011-the-spool.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tocsin.access.vault import Vault, VaultError
from tocsin.ingest import metrics
from tocsin.ingest.received_webhook import Accepted, Declined, Webhook
from tocsin.ingest.refusals import UNAVAILABLE
from tocsin.ingest.spool import segments
from tocsin.ingest.spool.framing import Damage, Record, Torn, framed, read
from tocsin.ingest.spool.kept_request import KeptRequest, opened, sealed
from tocsin.ingest.spool.segments import Segment
from tocsin.ingest.trouble import (
    say_spool_damaged,
    say_spool_full,
    say_spool_torn,
    say_spool_unwritable,
)
from tocsin.model import WebhookStatus

SEGMENT_BYTES: Final = 4_194_304
"""A file that has so much gets no more."""

CHUNK: Final = 256
"""Webhooks that are committed together."""
CHUNK_SPAN: Final = timedelta(seconds=10)
"""Between the first of them and the last: in one transaction, copies are copies however far apart they
came."""

CHUNK_BYTES: Final = 8_388_608
"""Of bodies; a larger one is a chunk by itself."""

TURN_SECONDS: Final = 2.0
"""As long as that at most what arrives waits for a chunk: senders wait, too."""

SPOOLED: Final = Accepted(WebhookStatus.SPOOLED)


class Chunk(NamedTuple):
    """The oldest requests that are not in the database, in their order; `end` is for `done`."""

    requests: list[KeptRequest]
    end: int


class Filling(NamedTuple):
    """How much there is in it, and how much there may be."""

    webhooks: int
    size: int
    limit: int
    since: datetime | None
    """When the oldest was received, where that is known."""

    @property
    def percent(self) -> int:
        return 100 * self.size // self.limit if self.limit else 100


@dataclass(slots=True)
class Spool:
    data_dir: Path
    vault: Vault
    limit: int
    """Bytes on the disk."""
    folder: Path = field(init=False)
    is_holding: bool = False
    """What arrives goes through here."""
    is_emptying: bool = False
    """The database is back, and takes it."""
    _turned: asyncio.Event = field(default_factory=asyncio.Event)
    """When the next chunk is taken."""
    _segments: deque[Segment] = field(default_factory=deque)
    """Oldest first; the last is appended to."""
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _count: int = 0
    _in_hand: int = 0
    """Of these, in the chunk that is being committed."""
    _since: datetime | None = None
    _is_unwritable: bool = False
    _is_full: bool = False

    def open(self) -> None:
        """Make the folder, and take over what processes that are gone have left.

        Raises:
            OSError: the folder cannot be made or read.
        """
        self.folder = segments.make_folder(self.data_dir)
        for segment in segments.take_over(self.folder):
            self._segments.append(segment)
            self._count += sum(isinstance(each, Record) for each in read(segment.content()))
        if self._segments:
            self.hold()
        self._measure()

    def hold(self) -> None:
        """Let all that arrives go through here, until it is emptied."""
        self.is_holding = True
        self._filled.set()

    @property
    def filling(self) -> Filling:
        size = sum(segment.size - segment.read for segment in self._segments)
        return Filling(self._count, size, self.limit, self._since)

    @property
    def takes(self) -> bool:
        """Whether there is room, as far as is known."""
        return self.limit > 0 and not self._is_full and not self._is_unwritable

    async def keep(self, webhooks: Sequence[Webhook]) -> None:
        """Put them on the disk, in order. Those that are there afterwards have the answer `SPOOLED`, the
        others `UNAVAILABLE`: they were refused, are no sender's, or there is no room."""
        for webhook in webhooks:
            webhook.answer = UNAVAILABLE
        wanted = [webhook for webhook in webhooks if _is_kept(webhook)]
        if not wanted:
            return
        async with self._writing:
            for webhook in wanted:
                webhook.answer = SPOOLED
            records = await asyncio.to_thread(_records, wanted, self.vault)
            kept = _fitting(records, self.limit - self.filling.size)
            for webhook in wanted[len(kept) :]:
                webhook.answer = UNAVAILABLE
            self._note_room(len(kept) < len(wanted))
            if kept and not await self._append(b"".join(kept)):
                kept = []
                for webhook in wanted:
                    webhook.answer = UNAVAILABLE
            if kept:
                if not self._count:
                    self._since = wanted[0].received_at
                self._count += len(kept)
                metrics.SPOOLED.inc(len(kept))
                self.hold()
            self._measure()

    async def filled(self) -> None:
        """Wait until there is something in it."""
        await self._filled.wait()

    async def turn(self) -> None:
        """While it is emptied: wait until the next chunk is taken or, if that is all there is, until it
        is empty. So what arrives does not keep it from getting there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TURN_SECONDS):
                if self.is_emptying:
                    await self._turned.wait()
                while self.is_emptying and self._count <= self._in_hand:
                    await self._turned.wait()

    def stall(self) -> None:
        """The database does not take it now: nothing waits for that."""
        self.is_emptying = False
        self._turn()

    def _turn(self) -> None:
        self._turned.set()
        self._turned = asyncio.Event()

    async def next(self) -> Chunk | None:
        """What is to be committed next. None: nothing is left, and what arrives is committed as ever."""
        found = await self._next()
        self._in_hand = 0 if found is None else len(found.requests)
        self._turn()
        return found

    async def _next(self) -> Chunk | None:
        while True:
            async with self._writing:
                if not self._segments:
                    self.is_holding = self.is_emptying = False
                    self._count, self._since = 0, None
                    self._filled.clear()
                    self._measure()
                    return None
                segment = self._segments[0]
                found = await asyncio.to_thread(self._read, segment)
                if found.requests:
                    self._since = found.requests[0].received_at
                    return found
                self._segments.popleft()
                await asyncio.to_thread(segment.remove)
                self._measure()

    def done(self, chunk: Chunk) -> None:
        """All of `chunk` is in the database."""
        self._segments[0].read = chunk.end
        self._count -= len(chunk.requests)
        self._is_full = False
        self._measure()

    def set_aside(self) -> Path:
        """Keep a copy of the file that is being emptied: not all of it can be committed."""
        return self._segments[0].set_aside()

    def close(self) -> None:
        """What is in it stays, for the next process."""
        self.is_holding = False
        while self._segments:
            self._segments.pop().close()

    async def _append(self, data: bytes) -> bool:
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            say_spool_unwritable(self.folder, error)
            self._is_unwritable = True
            return False
        self._is_unwritable = False
        return True

    def _write(self, data: bytes) -> None:
        last = self._segments[-1] if self._segments else None
        if last is None or last.size >= SEGMENT_BYTES or not last.grows:
            last = segments.begin(self.folder)
            self._segments.append(last)
        last.append(data)

    def _read(self, segment: Segment) -> Chunk:
        """Records that cannot be read are passed over, and their file is kept aside."""
        requests: list[KeptRequest] = []
        end, room = segment.read, CHUNK_BYTES
        for found in read(segment.content(), segment.read):
            if isinstance(found, Torn):
                say_spool_torn(segment.path)
                end = segment.size
                break
            if isinstance(found, Damage):
                metrics.SPOOL_DAMAGED.inc()
                say_spool_damaged(segment.set_aside(), "a record is damaged")
                end = found.end
                continue
            try:
                request = opened(found.content, self.vault)
            except (VaultError, msgspec.MsgspecError) as error:
                metrics.SPOOL_DAMAGED.inc()
                self._count -= 1
                say_spool_damaged(segment.set_aside(), str(error))
                end = found.end
                continue
            room -= len(request.body)
            if requests and (
                room < 0 or request.received_at - requests[0].received_at > CHUNK_SPAN
            ):
                break
            requests.append(request)
            end = found.end
            if len(requests) == CHUNK:
                break
        if not requests:
            segment.read = end
        return Chunk(requests, end)

    def _note_room(self, is_full: bool) -> None:
        if is_full and not self._is_full:
            say_spool_full(self.filling.webhooks, self.limit)
        self._is_full = is_full

    def _measure(self) -> None:
        filling = self.filling
        metrics.SPOOL_WEBHOOKS.set(filling.webhooks)
        metrics.SPOOL_BYTES.set(filling.size)


def _is_kept(webhook: Webhook) -> bool:
    """A replay is a person's, who sees that it failed; of what is refused there is nothing to keep."""
    return (
        webhook.replay_of_id is None
        and not webhook.is_final
        and not isinstance(webhook.settled, Declined)
    )


def _records(webhooks: Sequence[Webhook], vault: Vault) -> list[bytes]:
    return [framed(sealed(webhook, vault)) for webhook in webhooks]


def _fitting(records: list[bytes], room: int) -> list[bytes]:
    """As many of the first as there is room for: none overtakes another."""
    for place, record in enumerate(records):
        room -= len(record)
        if room < 0:
            return records[:place]
    return records
