"""Integrations as ingest sees them: ready to verify, to read and to correlate by.

Compiled from the directory's rows, and again only where a row has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.access.vault import Vault, VaultError
from tocsin.alerts.directory import EMPTY, Directory, DirectoryFeed, IntegrationEntry
from tocsin.ingest.proof.signing_keys import SigningKeys
from tocsin.ingest.proof.verify import LiveSecret, Profile, Verified
from tocsin.ingest.sources.base import Source
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import NO_KINDS, OwnKinds, own_kinds
from tocsin.ingest.sources.kit.mapping import Mapping as FieldMapping
from tocsin.ingest.sources.kit.mapping import compile_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.token_uses import TokenUses
from tocsin.ingest.trouble import say_unusable
from tocsin.model import Secret


@dataclass(frozen=True, slots=True)
class Sender:
    """One integration: how it proves itself, and how it is read."""

    entry: IntegrationEntry
    source: Source
    profile: Profile | None
    """None if it cannot be used (its secret cannot be read, say); `fault` says why."""
    is_active: bool
    timezone: ZoneInfo
    mapping: FieldMapping | None
    kinds: OwnKinds = field(default_factory=lambda: NO_KINDS)
    """Its own words of state."""
    fault: str | None = None
    token_uses: TokenUses = field(default_factory=TokenUses, compare=False)

    @classmethod
    def deleted(cls, entry: IntegrationEntry) -> Sender:
        """For the record of what it sent while it was there."""
        source = SOURCES.get(entry.type, SOURCES["generic"])
        return cls(entry, source, None, False, ZoneInfo("UTC"), None)

    @property
    def id(self) -> UUID:
        return self.entry.id

    def note_proof(self, verdict: Verified, at: datetime) -> None:
        """A webhook proved itself: with a token, or with one of two secrets, of which it is asked when
        the old one is not used any more."""
        if self.profile is not None:
            index = verdict.secret_index - len(self.profile.secrets)
            if index >= 0:
                self.token_uses.note(self.entry.tokens[index].id, at)
            elif len(self.profile.secrets) > 1:
                self.token_uses.note_secret(
                    self.entry.id, at, is_previous=verdict.secret_index == 1
                )


@dataclass(slots=True)
class Senders:
    """All senders of the current directory; what was deleted sends nothing."""

    feed: DirectoryFeed
    vault: Vault
    signing_keys: SigningKeys = field(default_factory=SigningKeys)
    token_uses: TokenUses = field(default_factory=TokenUses)
    _directory: Directory = EMPTY
    _senders: Mapping[UUID, Sender] = field(default_factory=dict)
    _secrets: dict[bytes, Secret] = field(default_factory=dict)
    _holders: Mapping[tuple[str, bytes], Sender] = field(default_factory=dict)
    _holders_of: Mapping[UUID, Sender] | None = None
    _looks: int = 0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def current(self) -> Mapping[UUID, Sender]:
        """By id of the integration; one object for as long as the directory stays the same."""
        directory = self.feed.current
        if directory is not self._directory:
            before = self._senders
            self._senders = {
                id: self._sender(entry, before.get(id))
                for id, entry in directory.integrations.items()
                if entry.row.deleted_at is None
            }
            self._directory = directory
        return self._senders

    def holder(self, source_type: str, key: Secret) -> Sender | None:
        """The integration of a kind that has this key, for requests whose address names none. Of two
        that were given the same, it is the older one's."""
        senders = self.current
        if self._holders_of is not senders:
            self._holders, self._holders_of = _by_key(senders.values()), senders
        return self._holders.get((source_type, sha256(key.reveal()).digest()))

    async def find_holder(self, source_type: str, key: Secret) -> Sender | None:
        """The same, with a look for one that was made a moment ago, as for `find`."""
        found = self.holder(source_type, key)
        if found is None:
            await self._look()
            found = self.holder(source_type, key)
        return found

    async def find(self, integration_id: UUID) -> Sender | None:
        """A sender by id; one that is not known here is looked up in the database, since it may have
        been made on another node a moment ago. A caller that asks during a look shares the next
        look, so that a flood of guesses costs the database next to nothing."""
        sender = self.current.get(integration_id)
        if sender is None:
            await self._look()
            sender = self.current.get(integration_id)
        return sender

    async def _look(self) -> None:
        begun = self._looks
        async with self._looking:
            if self._looks == begun:
                self._looks += 1
                await self.feed.look()

    def _sender(self, entry: IntegrationEntry, before: Sender | None) -> Sender:
        row = entry.row
        if before is not None and (before.entry.row, before.entry.tokens) == (row, entry.tokens):
            return Sender(
                entry,
                before.source,
                before.profile,
                before.is_active,
                before.timezone,
                before.mapping,
                before.kinds,
                before.fault,
                self.token_uses,
            )
        source, fault = SOURCES.get(row.type), None
        profile, mapping, timezone = None, None, ZoneInfo("UTC")
        kinds = own_kinds(row.kinds) if row.kinds else NO_KINDS
        try:
            if source is None:
                raise ValueError(f"this version knows no source {row.type!r}")
            mapping = compile_mapping(row.mapping) if row.mapping else None
            timezone = ZoneInfo(row.timezone)
            profile = self._profile(entry, source)
        except (VaultError, ValueError, KeyError, InvalidPayload) as error:
            # One integration that cannot be used must not keep the others from being loaded.
            fault = str(error)
            say_unusable(row.id, row.name, fault)
        return Sender(
            entry=entry,
            source=source or SOURCES["generic"],
            profile=profile,
            is_active=row.is_active,
            timezone=timezone,
            mapping=mapping,
            kinds=kinds,
            fault=fault,
            token_uses=self.token_uses,
        )

    def _profile(self, entry: IntegrationEntry, source: Source) -> Profile:
        row: Any = entry.row
        secrets = [LiveSecret(self._secret(row.webhook_secret))]
        if row.previous_webhook_secret is not None:
            secrets.append(
                LiveSecret(
                    self._secret(row.previous_webhook_secret), row.previous_secret_expires_at
                )
            )
        return Profile(
            auth_scheme=row.auth_scheme,
            signature_header=row.signature_header,
            signature_algorithm=row.signature_algorithm,
            signature_format=row.signature_format,
            signature_prefix=row.signature_prefix,
            signed_content=row.signed_content,
            timestamp_header=row.timestamp_header,
            timestamp_tolerance_seconds=row.timestamp_tolerance_seconds,
            secrets=tuple(secrets),
            token_hashes=tuple(token.hash for token in entry.tokens),
            signing_keys=self.signing_keys.known,
            id_header=source.preset.id_header,
            secret_encoding=source.preset.secret_encoding,
        )

    def _secret(self, sealed: bytes) -> Secret:
        # Decrypting costs more than all the rest of a load, and secrets hardly ever change.
        if (known := self._secrets.get(sealed)) is None:
            known = self._secrets[sealed] = self.vault.open(sealed)
        return known


def _by_key(senders: Iterable[Sender]) -> Mapping[tuple[str, bytes], Sender]:
    holders: dict[tuple[str, bytes], Sender] = {}
    for sender in sorted(senders, key=lambda each: each.id):
        if sender.source.found_by_key and sender.profile is not None:
            for digest in sender.profile.token_digests:
                holders.setdefault((sender.source.type, digest), sender)
    return holders
