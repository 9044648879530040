"""Integrations as one who sends to them sees them: where to post, and how to sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.access.vault import Vault
from tocsin.alerts.directory import DirectoryFeed
from tocsin.cli.kit.runtime import Installation
from tocsin.ingest.proof.scheme import Profile
from tocsin.ingest.proof.sign import path_secret, sign
from tocsin.ingest.replies import PREFIX
from tocsin.ingest.senders import Senders
from tocsin.store.database import create_engine


@dataclass(frozen=True)
class SignedSender:
    """`problem` says why there is no profile, if there is none."""

    id: UUID
    name: str
    type: str
    profile: Profile | None
    problem: str | None = None

    def request(self, body: bytes, now: datetime, delivery_id: str) -> tuple[str, dict[str, str]]:
        """The path to post to and the headers that prove who we are.

        Raises:
            ValueError: there is no profile, or nothing to sign with.
        """
        if self.profile is None:
            raise ValueError(self.problem)
        path = f"{PREFIX}{self.id}"
        if (secret := path_secret(self.profile)) is not None:
            path += f"/{secret}"
        return path, sign(self.profile, body, now, delivery_id=delivery_id)


async def load_signed_senders(
    installation: Installation, workspace_id: UUID
) -> Mapping[str, SignedSender]:
    """All of a workspace, by name.

    Raises:
        psycopg.OperationalError: if the database cannot be reached.
    """
    engine = create_engine(installation.url, pool_size=1)
    try:
        feed = DirectoryFeed(engine)
        await feed.refresh()
        senders = Senders(feed, Vault(installation.keys)).current
    finally:
        await engine.dispose()
    return {
        each.entry.name: SignedSender(
            each.id, each.entry.name, each.source.type, each.profile, each.fault
        )
        for each in senders.values()
        if each.entry.workspace_id == workspace_id
    }
