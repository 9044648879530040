"""The cluster on disk: made whole or not at all, and fit to be started."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tocsin.store.embedded.binaries import Binaries
from tocsin.store.embedded.configuration import SUPERUSER
from tocsin.store.embedded.errors import EmbeddedError, advice, condense
from tocsin.store.embedded.identity import ServerUser, initdb_user

_DRAFT = "new-"


def data_argument(folder: Path, descriptor: int) -> str:
    """How a program that inherits `descriptor`, open on the folder, names it.

    The kernel's link to an open folder needs no right to walk the folders above, which the server's
    user does not have where they are root's.
    """
    return f"/proc/self/fd/{descriptor}" if os.path.exists("/proc/self/fd") else str(folder)


def prepare(
    home: Path, cluster: Path, binaries: Binaries, user: ServerUser, *, sync: bool = True
) -> None:
    """Make the cluster if there is none; else see that it can be started.

    Args:
        sync: False skips flushing a new cluster to disk, for servers that are thrown away.
    """
    for draft in home.glob(f"{_DRAFT}*"):
        # An initdb whose starter was killed may still be writing there: next time, then.
        shutil.rmtree(draft, ignore_errors=True)
    if not os.path.lexists(cluster):
        _create(home, cluster, binaries, user, sync=sync)
    _check(cluster, binaries, user)


def _create(home: Path, cluster: Path, binaries: Binaries, user: ServerUser, *, sync: bool) -> None:
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=home))
    try:
        maker = initdb_user(user)
        if maker.dropped:
            os.chown(draft, maker.uid, maker.gid)
        _initdb(draft, binaries, maker, sync=sync)
        if maker != user:
            give(draft, user)
        os.rename(draft, cluster)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    descriptor = os.open(home, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _initdb(draft: Path, binaries: Binaries, maker: ServerUser, *, sync: bool) -> None:
    # PostgreSQL's own C.UTF-8 sorts alike on every machine; before 17 the system's has to do.
    locale = (
        ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if binaries.major >= 17
        else ["--locale=C.UTF-8"]
    )
    descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        answer = subprocess.run(  # noqa: S603 - our own program, our own arguments
            [
                binaries.program("initdb"),
                f"--pgdata={data_argument(draft, descriptor)}",
                f"--username={SUPERUSER}",
                "--encoding=UTF8",
                *locale,
                "--data-checksums",
                "--auth-local=peer",
                "--auth-host=reject",
                *([] if sync else ["--no-sync"]),
            ],
            cwd="/",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            pass_fds=(descriptor,),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **maker.run_as(),
        )
    finally:
        os.close(descriptor)
    if answer.returncode != 0:
        said = condense(answer.stderr) or f"initdb ended with {answer.returncode}"
        raise EmbeddedError(
            f"cannot make the embedded PostgreSQL in {draft.parent}: {said}; {advice(said)}"
        )


def _check(cluster: Path, binaries: Binaries, user: ServerUser) -> None:
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        raise EmbeddedError(
            f"{cluster} is not a PostgreSQL cluster (no PG_VERSION); "
            "move it away to start with an empty one, or restore a backup"
        ) from None
    if version != str(binaries.major):
        raise EmbeddedError(
            f"{cluster} holds data of PostgreSQL {version[:20]}, but this Tocsin brings "
            f"{binaries.major}: back it up with the former Tocsin and restore it with this one "
            '(docs/operations/database.md, "Upgrading")'
        )
    owner = cluster.lstat().st_uid
    if owner != user.uid and not (user.dropped and owner == 0):
        raise EmbeddedError(
            f"{cluster} belongs to the user with id {owner}, not {user.uid}: run tocsin as the "
            "owner of the data folder, or give the whole folder to one user"
        )
    if owner != user.uid:
        # A copy restored by root has root's name on it.
        give(cluster, user)
    if cluster.stat().st_mode & 0o077:
        # PostgreSQL refuses a cluster that others may read; copies often lose the mode.
        os.chmod(cluster, 0o700)


def give(folder: Path, user: ServerUser) -> None:
    """Make `user` the owner of a whole tree, links themselves and never what they point to."""
    for _, folders, files, descriptor in os.fwalk(folder):
        for name in (*folders, *files):
            os.chown(name, user.uid, user.gid, dir_fd=descriptor, follow_symlinks=False)
        os.fchown(descriptor, user.uid, user.gid)
