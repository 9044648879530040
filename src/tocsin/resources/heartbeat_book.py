"""Heartbeats that the API of another product asks for: made and changed as any other, audit and all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any

from pydantic import ValidationError

from tocsin.access.api_keys import Principal
from tocsin.access.vault import Vault
from tocsin.ingest.inbound.base import HeartbeatView
from tocsin.ingest.senders import Sender
from tocsin.model import Actor, ActorKind, Fault, Role
from tocsin.resources import heartbeats
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.heartbeat_shapes import HeartbeatIn, HeartbeatPatch
from tocsin.store.database import Engine, configuring
from tocsin.store.queries.heartbeats import heartbeat_called, lock_status
from tocsin.store.workspace_rows import NameTaken


class _SenderAsCaller(Principal):
    """Who holds the key of an integration: what is made and changed is its tenant's."""

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.SOURCE, self.name, self.key_id)


def _caller(sender: Sender) -> Principal:
    return _SenderAsCaller(sender.id, sender.entry.name, sender.entry.workspace_id, Role.ADMIN)


class HeartbeatBook:
    """Of the whole installation; a sender changes those of its integration's tenant."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    async def create(
        self, sender: Sender, wish: Mapping[str, Any], enabled: bool, now: datetime
    ) -> HeartbeatView | list[Fault] | None:
        """None: another has that name. Its ping address is nobody's: it is pinged by name."""
        caller = _caller(sender)
        try:
            body = HeartbeatIn.model_validate(wish)
            row, _ = heartbeats.make(caller, body, now)
            async with configuring(self._engine) as session:
                integration_id = await heartbeats.own_integration(session, self._vault, caller, now)
                status = await heartbeats.create(
                    session, caller, row, integration_id, sender.entry.tenant_id, now
                )
                if not enabled:
                    _, status = await heartbeats.pause_heartbeat(session, caller, row.id, None, now)
                return HeartbeatView(row, status)
        except (InvalidRequest, ValidationError) as error:
            return _faults(error)
        except NameTaken as taken:
            if taken.field != "slug" or "slug" in wish:
                return None
            other = f"{taken.value[:50].rstrip('-')}-{token_hex(4)}"
            return await self.create(sender, {**wish, "slug": other}, enabled, now)

    async def change(
        self,
        sender: Sender,
        name: str,
        wish: Mapping[str, Any],
        enabled: bool | None,
        now: datetime,
    ) -> HeartbeatView | list[Fault] | None:
        """None: there is none of that name."""
        caller = _caller(sender)
        try:
            body = HeartbeatPatch.model_validate(wish)
            async with configuring(self._engine) as session:
                row = await heartbeat_called(session, caller.workspace_id, name)
                if row is None or row.tenant_id != sender.entry.tenant_id:
                    return None
                if wish:
                    row, status = await heartbeats.update(session, caller, row.id, body, now)
                if enabled is True:
                    row, status = await heartbeats.resume_heartbeat(session, caller, row.id, now)
                elif enabled is False:
                    row, status = await heartbeats.pause_heartbeat(
                        session, caller, row.id, None, now
                    )
                elif not wish:
                    status = await lock_status(session, row.id)
                return HeartbeatView(row, status)
        except (InvalidRequest, ValidationError) as error:
            return _faults(error)

    async def delete(self, sender: Sender, name: str, now: datetime) -> HeartbeatView | None:
        """As it was; None: there is none of that name."""
        caller = _caller(sender)
        async with configuring(self._engine) as session:
            row = await heartbeat_called(session, caller.workspace_id, name)
            if row is None or row.tenant_id != sender.entry.tenant_id:
                return None
            status = await lock_status(session, row.id)
            await heartbeats.delete(session, caller, row.id, now)
            return HeartbeatView(row, status)


def _faults(error: InvalidRequest | ValidationError) -> list[Fault]:
    if isinstance(error, InvalidRequest):
        return list(error.faults)
    return [
        Fault("".join(f"/{part}" for part in each["loc"]), each["type"], each["msg"])
        for each in error.errors(include_input=False, include_url=False)
    ]
