"""What an earlier server may have left behind: a pid file, processes without a master."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tocsin.store.embedded.errors import EmbeddedError

_PATIENCE = 60.0


def clear(cluster: Path) -> None:
    """Make way for a new server; called only while no keeper is there.

    A server whose keeper died is already shutting down: it is waited for. Backends whose master was
    killed are ended, since their shared memory would block the new one. A pid file alone proves
    nothing: its number may be another process's by now.
    """
    file = cluster / "postmaster.pid"
    deadline = time.monotonic() + _PATIENCE
    while (pid := read_pid(file)) is not None and _serves(pid, cluster):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"a PostgreSQL server that Tocsin does not keep (process {pid}) runs on {cluster}; "
                f"stop it with `kill -INT {pid}`, then start again"
            )
        time.sleep(0.02)
    while orphans := _orphans(cluster):
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise EmbeddedError(f"the PostgreSQL processes {orphans} on {cluster} do not end")
        time.sleep(0.02)


def read_pid(file: Path) -> int | None:
    """The first line of a `postmaster.pid`: a process id, if it is one."""
    try:
        number = int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    # Negative in single-user mode, and such is not a server's.
    return number if number > 0 else None


def _serves(pid: int, cluster: Path) -> bool:
    """True if the process is a PostgreSQL at work in the cluster, or may be and cannot be seen."""
    if not os.path.exists("/proc/self/cwd"):
        return _alive(pid)
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    name, state = status[status.index("(") + 1 :].rsplit(") ", 1)
    if not name.startswith("postgres") or state[0] in "ZX":
        return False
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/cwd"), cluster.stat())
    except PermissionError:
        return os.stat(f"/proc/{pid}").st_uid == cluster.stat().st_uid
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _orphans(cluster: Path) -> list[int]:
    """Processes of PostgreSQL at work in the cluster, where we may look."""
    place = cluster.stat()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "comm").read_text().startswith("postgres") and os.path.samestat(
                os.stat(entry / "cwd"), place
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found
