"""The destinations as the dispatcher needs them: decrypted, checked, and never out of date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from tocsin.access.vault import Vault, VaultError
from tocsin.delivery.channels.base import Channel, ChannelConfig, Rate
from tocsin.delivery.channels.registry import UnknownChannelError, join
from tocsin.delivery.dispatch.rates import Limit, is_limited
from tocsin.delivery.outcome import Retry, Standing
from tocsin.message import Named
from tocsin.routing.bundle import BURST, PER_SECOND
from tocsin.store.delivery_queue import DeliveryQueue, DestinationRow

_BROKEN = Rate(per_second=None, concurrency=1)
_OF_A_PERSON = Rate(per_second=PER_SECOND, burst=BURST)
_RESERVE = 1
"""For what is CRITICAL while much else keeps a person's budget used up."""


@dataclass(frozen=True, slots=True)
class Target:
    """One destination, ready to be sent to. `fault` is set where it is not: then what is to go there
    waits (held, and probed) until somebody fixes it, and the fault says how."""

    id: UUID
    name: str
    kind: str
    workspace: Named
    rate: Rate
    limits: tuple[Limit, ...] = ()
    """Its channel's, where that has any, and its person's own."""
    channel: Channel | None = field(repr=False, default=None)
    config: ChannelConfig | None = field(repr=False, default=None)
    person: str | None = None
    """Whose contact method it is, by name: others see that, and not the address."""
    fault: Retry | None = None


class Targets:
    """A cache that lives as long as one version of the configuration."""

    def __init__(self, channels: Mapping[str, Channel], vault: Vault) -> None:
        self._channels = channels
        self._vault = vault
        self._version = -1
        self._known: dict[UUID, Target] = {}

    async def load(self, queue: DeliveryQueue, ids: Iterable[UUID], version: int) -> bool:
        """Load these destinations as of `version`, or later. True if what was cached is outdated."""
        changed = version > self._version
        if changed:
            self._version = version
            self._known.clear()
        missing = [id for id in dict.fromkeys(ids) if id not in self._known]
        if missing:
            for row in await queue.load_destinations(missing):
                if row.is_enabled:
                    self._known[row.id] = self._target(row)
        return changed

    def get(self, id: UUID) -> Target | None:
        """None for a destination that was disabled or deleted."""
        return self._known.get(id)

    def _target(self, row: DestinationRow) -> Target:
        kind = row.type
        workspace = Named(row.workspace_id, row.workspace_name, row.slug)
        channel = self._channels.get(kind)
        try:
            if channel is None:
                raise UnknownChannelError(kind)
            secret = {}
            if row.secret_config is not None:
                secret = json.loads(self._vault.open(row.secret_config).reveal())
            config = join(kind, row.config, secret)
        except (VaultError, ValueError) as error:  # a ValidationError is a ValueError
            fault = _fault(row.name, error)
            return Target(row.id, row.name, kind, workspace, _BROKEN, fault=fault)
        limits = []
        if is_limited(channel.rate):
            limits.append(Limit(_key(channel.bucket(config)), channel.rate))
        if row.person is not None:
            limits.append(Limit(_key(f"contact method {row.id}"), _OF_A_PERSON, _RESERVE))
        return Target(
            row.id,
            row.name,
            kind,
            workspace,
            channel.rate,
            tuple(limits),
            channel,
            config,
            row.person,
        )


def _fault(name: str, error: Exception) -> Retry:
    """An error text without values: what was being read is secret."""
    if isinstance(error, UnknownChannelError):
        return Retry("channel-missing", f"{name} {error}", standing=Standing.MISCONFIGURED)
    if isinstance(error, VaultError):
        return Retry("secret-unreadable", f"{name}: {error}", standing=Standing.MISCONFIGURED)
    return Retry(
        "configuration-invalid",
        f"{name} has a configuration that no longer fits; save it",
        standing=Standing.MISCONFIGURED,
    )


def _key(bucket: str) -> UUID:
    return UUID(bytes=hashlib.sha256(bucket.encode()).digest()[:16])
