"""Where the server puts its socket.

In the cluster itself, which nobody else may enter, if its path is short enough for a socket; else
in a folder with a random name, made by us, with the same owner and mode, recorded in the data folder.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from tocsin.store.embedded.identity import ServerUser
from tocsin.store.embedded.locks import open_private

_NAME = ".s.PGSQL.5432"
# `sockaddr_un.sun_path` holds 108 bytes on Linux and 104 on macOS, the last of them NUL.
_LIMIT = 103


def fits(folder: Path) -> bool:
    # libpq takes a comma for the beginning of the next host.
    return len(os.fsencode(folder / _NAME)) <= _LIMIT and "," not in str(folder)


def choose(home: Path, cluster: Path, user: ServerUser) -> Path:
    """The folder for the socket, made if need be."""
    if fits(cluster):
        return cluster
    recorded = recorded_or(home, cluster)
    if recorded != cluster and _is_ours(recorded, user):
        return recorded
    # Root's own place first: systemd gives services a /tmp of their own and sweeps the common one.
    for base in (Path("/run"), Path("/tmp")):  # noqa: S108 - mkdtemp: random name, mode 0700
        if base.is_dir() and os.access(base, os.W_OK):
            break
    folder = Path(tempfile.mkdtemp(prefix="tocsin-", dir=base))
    if user.dropped:
        os.chown(folder, user.uid, user.gid)
    descriptor = open_private(home / "socket")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.truncate()
        file.write(str(folder))
    return folder


def recorded_or(home: Path, cluster: Path) -> Path:
    """Where a running server listens: the recorded folder, or the cluster."""
    if fits(cluster):
        return cluster
    try:
        text = (home / "socket").read_text(encoding="utf-8")
    except OSError:
        return cluster
    return Path(text) if text else cluster


def url(folder: Path, role: str, dbname: str) -> str:
    host = quote(str(folder), safe="")
    return f"postgresql://{role}@/{quote(dbname, safe='')}?host={host}&port=5432"


def _is_ours(folder: Path, user: ServerUser) -> bool:
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == user.uid
        and stat.S_IMODE(found.st_mode) == 0o700
    )
