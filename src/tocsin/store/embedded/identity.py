"""Which operating-system user the server runs as, and who may connect to it.

PostgreSQL refuses to run as root. A root-run Tocsin gives the server a user id of its own rather
than `nobody`, which other daemons share: a process that shares its user could read the data files.
"""

from __future__ import annotations

import os
import pwd
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tocsin.store.embedded.errors import EmbeddedError

# "Unused" in systemd's table of user ids (https://systemd.io/UIDS-GIDS/): neither people, nor
# services, nor containers are given one of these.
_FIRST_OWN_UID = 65_536
_OWN_UIDS = 524_288 - _FIRST_OWN_UID


class RunAs(TypedDict, total=False):
    """The arguments of `subprocess` that drop root's privileges; empty where there are none."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class ServerUser:
    uid: int
    gid: int
    dropped: bool
    """True where we are root and the server is not."""

    def run_as(self) -> RunAs:
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_user(data_dir: Path, cluster: Path) -> ServerUser:
    """The user for the server of this data folder.

    As an ordinary user: that user. As root: the owner of the data folder if that is not
    root (so that `sudo tocsin …` joins a user's own hub), else whoever owns the cluster already,
    else a user id of its own, made from the folder's path.
    """
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid(), dropped=False)
    for folder in (data_dir, cluster):
        if folder.exists() and (stat := folder.stat()).st_uid != 0:
            return ServerUser(stat.st_uid, stat.st_gid, dropped=True)
    uid = _FIRST_OWN_UID + zlib.crc32(os.fsencode(os.path.realpath(data_dir))) % _OWN_UIDS
    while _name(uid) is not None:
        uid += 1
    if not _mapped(uid):
        # In a rootless container only the usual 65,536 ids exist.
        return _somebody()
    return ServerUser(uid, uid, dropped=True)


def initdb_user(user: ServerUser) -> ServerUser:
    """initdb, unlike the server, insists on a user id that has a name."""
    return user if not user.dropped or _name(user.uid) is not None else _somebody()


def peers(data_dir: Path) -> list[str]:
    """Names of the users that may connect: root, us, and the owner of the data folder."""
    uids = (0, os.geteuid(), data_dir.stat().st_uid)
    return list(dict.fromkeys(name for uid in uids if (name := _name(uid)) is not None))


def _somebody() -> ServerUser:
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    if not known:
        raise EmbeddedError(
            "PostgreSQL does not run as root and /etc/passwd names no other user; "
            "add one, or set TOCSIN_DATABASE_URL"
        )
    entry = known.get("nobody") or next(iter(known.values()))
    return ServerUser(entry.pw_uid, entry.pw_gid, dropped=True)


def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _mapped(uid: int) -> bool:
    try:
        ranges = Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return True
    spans = ((int(first), int(count)) for first, _, count in (line.split() for line in ranges))
    return any(first <= uid < first + count for first, count in spans)
