"""When each token of an integration was last used, and each of two secrets: noted in memory, written
down now and then.

A webhook costs one entry in a dictionary for it, and the database one statement for all tokens that were
used since the last one. A process that dies in between has forgotten half a minute of it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import structlog

from tocsin.store.database import Engine
from tocsin.store.described import described
from tocsin.store.queries.integration_tokens import note_uses
from tocsin.store.queries.secret_uses import Used, note_secret_uses

log = structlog.get_logger(__name__)

WRITE_SECONDS = 30.0


class TokenUses:
    """Of one process."""

    def __init__(self) -> None:
        self._used: dict[UUID, datetime] = {}
        self._secrets: dict[Used, datetime] = {}

    def note(self, token_id: UUID, at: datetime) -> None:
        self._used[token_id] = at

    def note_secret(self, integration_id: UUID, at: datetime, *, is_previous: bool) -> None:
        self._secrets[integration_id, is_previous] = at

    async def keep_writing(self, engine: Engine, every_seconds: float = WRITE_SECONDS) -> None:
        """Write them down, forever, and once more at the end."""
        try:
            while True:
                await asyncio.sleep(every_seconds)
                await self._write(engine)
        finally:
            await self._write(engine)

    async def _write(self, engine: Engine) -> None:
        used, self._used = self._used, {}
        secrets, self._secrets = self._secrets, {}
        try:
            if used:
                await note_uses(engine, used)
            if secrets:
                await note_secret_uses(engine, secrets)
        except Exception as error:
            # The database is away. What was used meanwhile will be used again, and this tells nobody
            # what to do.
            log.debug("cannot write when tokens were last used", **described(error))
            self._used = {**used, **self._used}
            self._secrets = {**secrets, **self._secrets}
