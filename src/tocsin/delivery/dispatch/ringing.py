"""Stops what rings until somebody acknowledges, once somebody did, wherever that was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import structlog

from tocsin.access.vault import Vault, VaultError
from tocsin.delivery.channels.base import Channel
from tocsin.delivery.channels.registry import join
from tocsin.store.database import RawConnection, connect
from tocsin.store.described import described
from tocsin.store.failures import CONNECTION_ERRORS
from tocsin.store.ringing import RingingMessage, lock_to_call_off, note_called_off

EVERY_SECONDS = 3.0
_PAUSE_SECONDS = 5.0
_RINGS_SECONDS = 4 * 3_600.0
"""Longer than anything rings."""
_MOST = 20

log = structlog.get_logger(__name__)


class Ringing:
    def __init__(self, database_url: str, channels: Mapping[str, Channel], vault: Vault) -> None:
        self._url = database_url
        self._channels = channels
        self._vault = vault

    async def run(self) -> None:
        """Forever. A database that is away is asked again a little later."""
        while True:
            try:
                async with await connect(self._url) as connection:
                    while True:
                        if await self.call_off(connection) < _MOST:
                            await asyncio.sleep(EVERY_SECONDS)
            except CONNECTION_ERRORS as error:
                log.warning("cannot look for messages to stop ringing", **described(error))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def call_off(self, connection: RawConnection) -> int:
        """One look; how many were called off."""
        async with connection.transaction():
            found = await lock_to_call_off(connection, _RINGS_SECONDS, _MOST)
            done = await asyncio.gather(*(self._call_off(each) for each in found))
            ids = [each.id for each, is_done in zip(found, done, strict=True) if is_done]
            if ids:
                await note_called_off(connection, ids)
        return len(ids)

    async def _call_off(self, message: RingingMessage) -> bool:
        channel: Any = self._channels.get(message.type)
        if not hasattr(channel, "call_off"):
            return True
        try:
            secret = {}
            if message.secret_config is not None:
                secret = json.loads(self._vault.open(message.secret_config).reveal())
            config = join(message.type, message.config, secret)
        except (VaultError, ValueError):
            # Deleted, or not to be read: it ends by itself.
            return True
        try:
            return bool(await channel.call_off(config, message.progress))
        except Exception as error:
            log.error(
                "cannot stop a message from ringing", destination=message.name, **described(error)
            )
            return False
