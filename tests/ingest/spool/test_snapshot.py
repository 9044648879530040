"""The configuration that is kept for a start without the database: it knows senders as the database
does, decides nothing, and can be read by the installation's key only."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Json

from tests.support.postgres import Database
from tests.support.workspace import KEY, Workspace
from tocsin.access.vault import Vault
from tocsin.alerts.directory import DirectoryFeed, directory_of
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.spool import snapshot
from tocsin.ingest.spool.segments import make_folder
from tocsin.ingest.spool.snapshot import SnapshotKeeper
from tocsin.rounds import background
from tocsin.store import directory_snapshot
from tocsin.store.database import create_engine
from tocsin.store.directory_rows import DirectoryRows, load_directory_rows
from tocsin.store.directory_snapshot import NEVER_LOADED


def configured(url: str) -> None:
    workspace = Workspace(url)
    workspace.sender()
    workspace.sender("datadog", secret="a-token")
    workspace.sender("standard_webhooks")
    mapped = workspace.sender(mapping={"title": "name"}, timezone="Europe/Berlin")
    workspace.sql(
        "UPDATE integrations SET previous_webhook_secret = webhook_secret,"
        " previous_secret_expires_at = now() + interval '1 day', kinds = %s WHERE id = %s",
        Json({"down": "trigger"}),
        mapped.id,
    )
    workspace.rule(event_types=["alerts.triggered"])


async def loaded(url: str) -> DirectoryRows:
    engine = create_engine(url, pool_size=1)
    try:
        return await load_directory_rows(engine)
    finally:
        await engine.dispose()


def senders_of(rows: DirectoryRows) -> dict[Any, Sender]:
    feed: Any = DirectoryFeed(None)  # type: ignore[arg-type]
    feed.current = directory_of(rows)
    return dict(Senders(feed, Vault([KEY])).current)


def how(sender: Sender) -> tuple[Any, ...]:
    """It proves itself and is read."""
    return (
        sender.profile,
        sender.is_active,
        sender.timezone,
        sender.mapping is not None,
        sender.kinds,
        sender.fault,
        sender.source.type,
        sender.entry.window,
        sender.entry.tenants,
        sender.entry.tokens,
        sender.entry.bindings,
        sender.entry.default_severity,
        sender.entry.flapping,
    )


async def kept(folder: Path, rows: DirectoryRows) -> Path:
    keeper = SnapshotKeeper(make_folder(folder), Vault([KEY]))
    path = folder / "spool" / "configuration"
    before = path.stat().st_mtime_ns if path.exists() else None
    async with background(keeper.run(), "keeper"), asyncio.timeout(20):
        keeper.note(rows)
        while not path.exists() or path.stat().st_mtime_ns == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return path


async def test_senders_are_known_by_it_as_by_the_database(
    database: Database, tmp_path: Path
) -> None:
    await asyncio.to_thread(configured, database.url)
    rows = await loaded(database.url)
    await kept(tmp_path, rows)
    read = snapshot.read(tmp_path, Vault([KEY]))
    assert read is not None
    there, here = senders_of(rows), senders_of(read)
    assert {id: how(each) for id, each in here.items()} == {
        id: how(each) for id, each in there.items()
    }
    assert all(each.fault is None for each in here.values())
    # No database has this version: it is loaded again before anything is decided.
    assert read.version == NEVER_LOADED
    assert not any(routing.rules for routing in read.routing.values())


async def test_it_gives_nothing_away(database: Database, tmp_path: Path) -> None:
    await asyncio.to_thread(configured, database.url)
    path = await kept(tmp_path, await loaded(database.url))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    assert b"datadog" not in content
    assert b"a-token" not in content
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []


async def test_without_the_key_or_of_another_version_there_is_none(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert snapshot.read(tmp_path, Vault([KEY])) is None
    await kept(tmp_path, await loaded(database.url))
    assert snapshot.read(tmp_path, Vault([Vault.new_key()])) is None
    monkeypatch.setattr(directory_snapshot, "newest_revision", lambda: "9999")
    assert snapshot.read(tmp_path, Vault([KEY])) is None


async def test_a_slower_process_does_not_undo_a_newer_one(
    database: Database, tmp_path: Path
) -> None:
    old = await loaded(database.url)
    await asyncio.to_thread(configured, database.url)
    new = await loaded(database.url)
    assert new.version > old.version
    path = await kept(tmp_path, new)
    before = path.read_bytes()
    await asyncio.to_thread(snapshot._write, path.parent, old, Vault([KEY]))
    assert path.read_bytes() == before


def test_what_is_configured_is_plain(database: Database) -> None:
    # What a snapshot is made of has to survive its form: a new column of another kind shows here.
    configured(database.url)
    rows = asyncio.run(loaded(database.url))
    again = directory_snapshot.unpacked(directory_snapshot.packed(rows))
    for before, after in zip(rows.integrations, again.integrations, strict=True):
        assert dict(before._mapping) == vars(after)
