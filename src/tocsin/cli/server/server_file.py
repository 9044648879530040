"""Where the running server is: `server.json` in the data folder, there for as long as it runs.

The server holds a lock on the file. Whoever can take that lock knows that the server is gone,
however it ended; a process id could be somebody else's by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from tocsin.model import iso, utc_now

FILE = "server.json"


@contextlib.contextmanager
def announced(data_dir: Path, url: str) -> Iterator[bool]:
    """Says where we serve until the end. False where that cannot be kept: another server on the
    same folder has said so already, or the folder is not ours to write (it need not be, with a
    database elsewhere)."""
    path = data_dir / FILE
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        document = {"url": url, "pid": os.getpid(), "started_at": iso(utc_now())}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(document).encode() + b"\n", 0)
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def running_server(data_dir: Path) -> str | None:
    """The URL of the server on this data folder, if one is running."""
    try:
        descriptor = os.open(data_dir / FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            # Held by the server: the file is its own.
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found = json.loads(os.pread(descriptor, 65_536, 0))["url"]
                return found if isinstance(found, str) else None
        return None
    finally:
        os.close(descriptor)
