"""Helpers for the tests of the embedded PostgreSQL: other processes that use it, and a look at
what runs."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

import tocsin

QUICK = {"fsync": "off", "shared_buffers": "16MB"}

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")

NOBODY = pwd.getpwnam("nobody").pw_uid

_USER = """
import sys
from pathlib import Path
from tocsin.store.embedded import EmbeddedError, EmbeddedPostgres

postgres = EmbeddedPostgres(Path(sys.argv[1]), settings={settings!r})
try:
    print(postgres.start(), flush=True)
except EmbeddedError as error:
    print(error, flush=True)
    sys.exit(1)
sys.stdin.readline()
postgres.stop()
print("left", flush=True)
"""

# The test's own packages, for an interpreter that is not the virtualenv's.
_PATHS = [
    str(Path(next(iter(tocsin.__path__))).parent),
    str(Path(psycopg.__file__).parent.parent),
]


class User:
    """Another process that uses the embedded PostgreSQL of a data folder."""

    def __init__(self, data_dir: Path, *, uid: int | None = None) -> None:
        self.process = python(_USER.format(settings=QUICK), data_dir, uid=uid)

    def entered(self) -> str:
        """What it got: a URL, or the error's one line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        out, _ = self.process.communicate("\n", timeout=60)
        assert out.strip() == "left"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def python(code: str, *arguments: object, uid: int | None = None) -> subprocess.Popen[str]:
    """A Python process with this one's packages, perhaps as another user."""
    return subprocess.Popen(
        [sys.executable if uid is None else interpreter(uid), "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(_PATHS)},
        **({} if uid is None else {"user": uid, "group": uid, "extra_groups": []}),
    )


def interpreter(uid: int) -> str:
    """A Python like ours that another user may run: ours may lie in root's home."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for candidate in (
        sys.executable,
        f"/usr/bin/python{version}",
        f"/usr/local/bin/python{version}",
    ):
        try:
            tried = subprocess.run(
                [candidate, "-c", "import psycopg"],
                cwd="/",
                env={"PYTHONPATH": os.pathsep.join(_PATHS)},
                capture_output=True,
                check=False,
                user=uid,
                group=uid,
                extra_groups=[],
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return candidate
    pytest.skip(f"no Python {version} with our packages that another user may run")


def servers(cluster: Path) -> list[int]:
    """Processes of PostgreSQL that work in the cluster."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            name = (entry / "comm").read_text()
            if name.startswith("postgres") and os.path.samestat(
                os.stat(entry / "cwd"), cluster.stat()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that must come, however busy the machine."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)
