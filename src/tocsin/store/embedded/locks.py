"""File locks (`flock`) by which processes share one server.

The kernel drops a lock when the last process holding the open file is gone, however it ended: a
lease needs no cleaning up after `kill -9`, and no process id is ever trusted.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.store.embedded.errors import EmbeddedError

_TICK = 0.01


def open_private(path: Path) -> int:
    """Open or make a file of mode 0600 that belongs to the owner of its folder.

    Never through a symbolic link: as root we may work in a folder that another user controls.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def try_lock(descriptor: int, *, shared: bool) -> bool:
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock(path: Path, *, shared: bool, deadline: float) -> int | None:
    """The descriptor that holds the lock, or None if it could not be taken before `deadline`
    (`time.monotonic`). Closing it gives the lock back: only closing, for a forked child shares it.
    """
    descriptor = open_private(path)
    while not try_lock(descriptor, shared=shared):
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(_TICK)
    return descriptor


def is_free(path: Path) -> bool:
    """True if nobody holds the lock exclusively."""
    descriptor = open_private(path)
    try:
        return try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


@contextmanager
def turn(path: Path, deadline: float) -> Iterator[None]:
    """One process at a time starts or stops the server."""
    descriptor = lock(path, shared=False, deadline=deadline)
    if descriptor is None:
        raise EmbeddedError(
            f"another process has been starting or stopping the PostgreSQL in {path.parent} for "
            "too long; see server.log there, and end that process if it hangs"
        )
    try:
        yield
    finally:
        os.close(descriptor)
