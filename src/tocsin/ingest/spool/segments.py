"""The files of the spool: in a folder that only its owner can enter, each written and read by one
process at a time, which holds a lock on it for as long as it lives.

A file is appended to until it is large, and removed when all of it is in the database. What a process
that died has left is free, and is taken over by the next that starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tocsin.model import uuid7

FOLDER: Final = "spool"
"""In the data folder."""
SUFFIX: Final = ".spool"
DAMAGED: Final = ".damaged"
"""What could not be read of it all, kept for a person."""


@dataclass(slots=True)
class Segment:
    """One file, open and locked. `size`: of what is flushed, `read`: of what is in the database."""

    path: Path
    descriptor: int
    size: int
    read: int = 0
    grows: bool = True
    """Nothing is appended to a file that another process wrote: it may end in the middle of a record."""

    def append(self, data: bytes) -> None:
        """Write and flush it, or leave the file as it was.

        Raises:
            OSError: it is not kept.
        """
        try:
            rest = memoryview(data)
            place = self.size
            while rest:
                count = os.pwrite(self.descriptor, rest, place)
                rest, place = rest[count:], place + count
            os.fsync(self.descriptor)
        except OSError:
            # What a failed flush leaves on the disk nobody knows.
            self.grows = False
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, self.size)
            raise
        self.size += len(data)

    def content(self) -> bytes:
        """All that is flushed.

        Raises:
            OSError: the disk does not give it back.
        """
        parts = []
        place = 0
        while place < self.size and (part := os.pread(self.descriptor, self.size - place, place)):
            parts.append(part)
            place += len(part)
        return b"".join(parts)

    def set_aside(self) -> Path:
        """Keep what it holds under another name, whatever becomes of it here."""
        kept = self.path.with_suffix(DAMAGED)
        with contextlib.suppress(FileExistsError):
            os.link(self.path, kept)
        return kept

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """And give up the lock."""
        os.close(self.descriptor)


def make_folder(data_dir: Path) -> Path:
    """The folder of the spool, made if it is not there, its owner's only.

    Raises:
        OSError: as the operating system has it.
    """
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def is_there(data_dir: Path) -> bool:
    """Whether anything waits in the spool of this data folder."""
    return any((data_dir / FOLDER).glob(f"*{SUFFIX}"))


class Lying(NamedTuple):
    """What there is in a spool, as seen from outside: more than waits, where some of it has just been
    committed."""

    size: int
    damaged: tuple[Path, ...]


def lying_in(data_dir: Path) -> Lying:
    """How much, and what of it is damaged.

    Raises:
        OSError: it cannot be looked at.
    """
    size = 0
    for path in (data_dir / FOLDER).glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return Lying(size, tuple(sorted((data_dir / FOLDER).glob(f"*{DAMAGED}"))))


def begin(folder: Path) -> Segment:
    """A new file, which outlives a power cut from here on.

    Raises:
        OSError: as the operating system has it.
    """
    path = folder / f"{uuid7().hex}{SUFFIX}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        flush_folder(folder)
    except OSError:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return Segment(path, descriptor, 0)


def take_over(folder: Path) -> Iterator[Segment]:
    """The files of processes that are gone, oldest first; they are ours from now on."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have emptied and removed it between the two.
            size = os.fstat(descriptor).st_size if path.exists() else 0
        except BlockingIOError:
            os.close(descriptor)
            continue
        if size:
            yield Segment(path, descriptor, size, grows=False)
        else:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """The names of new files outlive a power cut only once their folder is on disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
