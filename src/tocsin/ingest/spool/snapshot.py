"""The newest configuration that this machine has seen, encrypted on its disk: by it a node that is
started while the database is away knows its senders."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from tocsin.access.vault import Vault, VaultError
from tocsin.ingest.spool import segments
from tocsin.model import Secret
from tocsin.store.directory_rows import DirectoryRows
from tocsin.store.directory_snapshot import UnusableSnapshot, packed, unpacked

log = structlog.get_logger(__name__)

FILE: Final = "configuration"
_LOCK: Final = "configuration.lock"
_VERSION_BYTES: Final = 8
_JUST_NOW_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 1.0


@dataclass(slots=True)
class SnapshotKeeper:
    """Writes what `note` was given last. Of the processes of one machine the newest wins."""

    folder: Path
    vault: Vault
    _noted: DirectoryRows | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, rows: DirectoryRows) -> None:
        self._noted = rows
        self._wake.set()

    async def run(self) -> None:
        """Forever. What cannot be written is said, and no reason to stop."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            rows, self._noted = self._noted, None
            if rows is None:
                continue
            try:
                await asyncio.to_thread(_write, self.folder, rows, self.vault)
            except OSError as error:
                log.warning(
                    "the configuration cannot be kept for a start without the database",
                    file=str(self.folder / FILE),
                    reason=error.strerror,
                )
            # Changes come in bursts.
            await asyncio.sleep(_PAUSE_SECONDS)


def read(data_dir: Path, vault: Vault) -> DirectoryRows | None:
    """The newest, of version 0 and without routing; None if there is none that can be used here."""
    path = data_dir / segments.FOLDER / FILE
    try:
        content = path.read_bytes()
        return unpacked(vault.open(content[_VERSION_BYTES:]).reveal())
    except FileNotFoundError:
        return None
    except (OSError, VaultError, UnusableSnapshot) as error:
        log.warning(
            "the configuration that was kept for a start without the database cannot be used",
            file=str(path),
            reason=str(error) or "another version of Tocsin wrote it",
        )
        return None


def _write(folder: Path, rows: DirectoryRows, vault: Vault) -> None:
    """Unless another process has just written a newer one. It appears whole or not at all."""
    path = folder / FILE
    with _locked(folder / _LOCK):
        if _newest(path) > rows.version:
            return
        content = rows.version.to_bytes(_VERSION_BYTES) + vault.seal(Secret(packed(rows)))
        draft = folder / f".{FILE}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        segments.flush_folder(folder)


def _newest(path: Path) -> int:
    """The version that lies there, if it was written just now: that of a database which has been
    restored since may be higher."""
    try:
        with path.open("rb") as file:
            age = time.time() - os.fstat(file.fileno()).st_mtime
            return int.from_bytes(file.read(_VERSION_BYTES)) if age < _JUST_NOW_SECONDS else 0
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
