"""The folder `postgres/` in a data folder, and what is in it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from tocsin.store.embedded.errors import EmbeddedError, advice


@dataclass(frozen=True)
class Home:
    data_dir: Path

    @property
    def folder(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own folder; the socket lies in it too."""
        return self.folder / "data"

    @property
    def start_lock(self) -> Path:
        """Held while a process starts or leaves: one at a time."""
        return self.folder / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Held, shared, by every user; the keeper waits for it to be free."""
        return self.folder / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper for as long as it lives; its process id is in it."""
        return self.folder / "keeper.lock"

    @property
    def log(self) -> Path:
        """What the server says; `server.log.1` is the one before."""
        return self.folder / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    def make(self) -> None:
        """Make the folders that are missing, closed to others.

        Raises:
            OSError: as the operating system has it.
            EmbeddedError: if the folders belong to different users.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.data_dir.stat()
        with contextlib.suppress(FileExistsError):
            self.folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self.folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
        found = self.folder.stat()
        if os.geteuid() == 0 and owner.st_uid != found.st_uid:
            # Perhaps a link to another user's folder: root must not work there for this one.
            raise EmbeddedError(
                f"{self.data_dir} and {self.folder} belong to different users ({owner.st_uid} and "
                f"{found.st_uid}); give both to one of them"
            )
        if found.st_mode & 0o077:
            os.chmod(self.folder, 0o700)

    def failure(self, said: str) -> EmbeddedError:
        """The server does not start; `said` is why."""
        return EmbeddedError(
            f"the embedded PostgreSQL in {self.folder} does not start: {said}; "
            f"{advice(said, self.log)}"
        )
