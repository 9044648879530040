"""A Patroni cluster on this machine: etcd and three PostgreSQL servers, all on 127.0.0.1, each process
ended by its id."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.postgres import DEBIAN_BIN

PATRONI = ("/usr/bin/patroni", "/usr/local/bin/patroni")
ETCD = ("/usr/bin/etcd", "/usr/local/bin/etcd")
PASSWORD = "of-a-test"
NAMES = ("one", "two", "three")
START_SECONDS = 90.0
FAILOVER_SECONDS = 60.0


def _program(places: Sequence[str], package: str) -> str:
    for place in places:
        if os.access(place, os.X_OK):
            return place
    pytest.skip(f"{package} is not installed")


class Member:
    """One Patroni and its PostgreSQL."""

    def __init__(self, name: str, folder: Path, etcd_port: int, program: str, user: str) -> None:
        self.name, self.folder = name, folder
        self.port, self.api_port = free_port(), free_port()
        self._program, self._user = program, user
        self.data = folder / "data"
        self._config = folder / "patroni.yml"
        # JSON is YAML.
        self._config.write_text(json.dumps(self._settings(etcd_port)))
        self.process: subprocess.Popen[bytes] | None = None

    def _settings(self, etcd_port: int) -> dict[str, Any]:
        def user(name: str) -> dict[str, str]:
            return {"username": name, "password": PASSWORD}

        return {
            "scope": "tocsin",
            "name": self.name,
            "restapi": {
                "listen": f"127.0.0.1:{self.api_port}",
                "connect_address": f"127.0.0.1:{self.api_port}",
            },
            "etcd3": {"host": f"127.0.0.1:{etcd_port}"},
            "bootstrap": {
                "dcs": {
                    "ttl": 20,
                    "loop_wait": 2,
                    "retry_timeout": 5,
                    "maximum_lag_on_failover": 1_048_576,
                    "synchronous_mode": True,
                    "synchronous_mode_strict": True,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {
                            "max_connections": 100,
                            "max_locks_per_transaction": 256,
                            "shared_buffers": "32MB",
                            "synchronous_commit": "on",
                        },
                    },
                },
                "initdb": [{"encoding": "UTF8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self.data),
                "bin_dir": str(DEBIAN_BIN),
                "pgpass": str(self.folder / "pgpass"),
                "authentication": {
                    "superuser": user("postgres"),
                    "replication": user("replicator"),
                    "rewind": user("rewind"),
                },
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": [
                    "local all all scram-sha-256",
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                ],
            },
        }

    def start(self) -> None:
        self.process = _started([self._program, str(self._config)], self.folder, self._user)

    @property
    def postmaster(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().split()[0])
        return None

    def kill(self) -> None:
        """SIGKILL for both of them."""
        postmaster = self.postmaster
        if self.process is not None:
            _kill(self.process.pid)
            self.process.wait(10)
        if postmaster is not None:
            _kill(postmaster)

    def is_(self, what: str) -> bool:
        """By Patroni's own word: `primary`, `replica`, `synchronous`."""
        with suppress(OSError):
            url = f"http://127.0.0.1:{self.api_port}/{what}"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        return False

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3_000:]


class Cluster:
    def __init__(self, members: list[Member]) -> None:
        self.members = members

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return (
            f"postgresql://postgres:{PASSWORD}@{hosts}/postgres"
            "?target_session_attrs=read-write&connect_timeout=3"
        )

    def leader(self) -> Member | None:
        return next((each for each in self.members if each.is_("primary")), None)

    def await_whole(self) -> None:
        """A leader, and all others following, one of them synchronously."""

        def is_whole() -> bool:
            return (
                self.leader() is not None
                and sum(each.is_("replica") for each in self.members) == len(self.members) - 1
                and any(each.is_("synchronous") for each in self.members)
            )

        self._await(is_whole, START_SECONDS)

    def await_other_leader(self, before: Member) -> Member:
        def is_other() -> bool:
            leader = self.leader()
            return leader is not None and leader is not before

        self._await(is_other, FAILOVER_SECONDS)
        leader = self.leader()
        assert leader is not None
        return leader

    def _await(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            logs = "\n".join(f"--- {each.name}\n{each.log()}" for each in self.members)
            assert time.monotonic() < deadline, f"the cluster does not come about:\n{logs}"
            time.sleep(0.2)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Skips where Patroni, etcd or Debian's PostgreSQL are missing."""
    patroni, etcd = _program(PATRONI, "patroni"), _program(ETCD, "etcd-server")
    if not (DEBIAN_BIN / "postgres").exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed")
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # Not below pytest's folder, which only root may enter.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-patroni-"))
    started: list[subprocess.Popen[bytes]] = []
    members: list[Member] = []
    try:
        client, peer = free_port(), free_port()
        for name in ("etcd", *NAMES):
            (folder / name).mkdir(mode=0o700)
        own = [f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"]
        members = [Member(name, folder / name, client, patroni, user) for name in NAMES]
        _give(folder, user)
        started.append(
            _started(
                [
                    etcd,
                    *("--data-dir", str(folder / "etcd" / "data"), "--name", "etcd"),
                    *("--listen-client-urls", own[0], "--advertise-client-urls", own[0]),
                    *("--listen-peer-urls", own[1], "--initial-advertise-peer-urls", own[1]),
                    *("--initial-cluster", f"etcd={own[1]}"),
                ],
                folder / "etcd",
                user,
            )
        )
        for member in members:
            member.start()
        made = Cluster(members)
        made.await_whole()
        yield made
    finally:
        for member in members:
            member.kill()
        for process in started:
            _kill(process.pid)
            process.wait(10)
        _await_gone(members)
        shutil.rmtree(folder, ignore_errors=True)


def _started(arguments: list[str], folder: Path, user: str) -> subprocess.Popen[bytes]:
    account = pwd.getpwnam(user)
    dropped: dict[str, Any] = {}
    if os.geteuid() == 0:
        dropped = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **dropped,
        )


def _give(folder: Path, user: str) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _await_gone(members: list[Member]) -> None:
    """The backends of a postmaster that was killed end by themselves."""
    deadline = time.monotonic() + 10
    for member in members:
        while time.monotonic() < deadline and _uses(member.data):
            time.sleep(0.1)


def _uses(data: Path) -> bool:
    """Whether any process is at home there."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").resolve() == data:
                return True
    return False
