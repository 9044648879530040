"""The process that keeps one PostgreSQL server: starts it, restarts it, stops it.

Run as a script with the standard library alone, so that it stays small. It ends the server when the
last user of the data folder is gone, whether that user left or was killed: every user holds a
shared lock on one file, and the keeper waits for the exclusive one. Should the keeper itself be
killed, the kernel has the server stop.

    starting ──ready──▶ serving ──last user gone──▶ stopping ──▶ end
        ▲                  │
        └── server died ───┘        (a first start that fails ends the keeper at once)
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
import threading
import time
from collections import deque
from typing import Any

# The descriptor on which the server finds its cluster open.
CLUSTER = 3
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PID_FILE = "postmaster.pid"
_SOCKET_LOCK = ".s.PGSQL.5432.lock"
_LOG_LIMIT = 5_000_000
_LONG_ENOUGH = 10.0
_STOP_PATIENCE = 90.0
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Log:
    """The server's log: one file of at most 5 MB and the one before it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.recent: deque[bytes] = deque(maxlen=40)
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        self._file = os.open(self.path, flags, 0o600)
        folder = os.stat(os.path.dirname(self.path))
        if os.geteuid() == 0:
            os.fchown(self._file, folder.st_uid, folder.st_gid)
        self._size = os.fstat(self._file).st_size

    def write(self, chunk: bytes) -> None:
        self.recent.extend(chunk.splitlines())
        # A full disk must not stop the server by way of its log.
        with contextlib.suppress(OSError):
            if self._size > _LOG_LIMIT:
                os.close(self._file)
                os.replace(self.path, self.path + ".1")
                self._open()
            self._size += os.write(self._file, chunk)


class Keeper:
    def __init__(self, plan: dict[str, Any], report: int) -> None:
        self.plan = plan
        self.report: int | None = report
        self.log = Log(plan["log"])
        # As root never through a link, which the server's user may have put there.
        follow = os.O_NOFOLLOW if plan["uid"] is not None else 0
        self.cluster = os.open(plan["cluster"], os.O_RDONLY | os.O_DIRECTORY | follow)
        self.alone = threading.Event()
        self.wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self.pid = 0
        self.ready = False

    def run(self) -> int:
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        threading.Thread(target=self._await_solitude, daemon=True).start()
        failures = 0
        while True:
            began = time.monotonic()
            output = self._spawn()
            self._attend(output)
            os.close(output)
            _end_children()
            if self.report is not None:
                said = b"\n".join(self.log.recent).decode(errors="replace")
                self._announce({"failed": said[-8_000:]})
                return 1
            lived = time.monotonic() - began
            failures = 0 if self.ready and lived > _LONG_ENOUGH else min(failures + 1, 5)
            # At once after a long life; ever slower if it keeps dying.
            if self.alone.is_set() or self.alone.wait(min(5.0, 0.1 * failures**2)):
                return 0

    def _await_solitude(self) -> None:
        users = os.open(self.plan["users"], os.O_RDWR)
        fcntl.flock(users, fcntl.LOCK_EX)
        # Kept to the end: a process that comes now waits until the server is down, then starts it again.
        self.alone.set()
        os.write(self._waker, b"\0")

    def _spawn(self) -> int:
        """Start the server; returns the reading end of what it logs."""
        self.ready = False
        self._remove_pid_files()
        reader, writer = os.pipe()
        keeper = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.dup2(writer, 1)
                os.dup2(writer, 2)
                self._become_server(keeper)
            except BaseException as error:
                os.write(2, f"FATAL:  cannot run {self.plan['argv'][0]}: {error}\n".encode())
            finally:
                os._exit(127)
        os.close(writer)
        return reader

    def _remove_pid_files(self) -> None:
        """PostgreSQL takes any live process with the number in them for a server, even a zombie or
        an unrelated one. The holder of the keeper's lock knows that there is none."""
        with contextlib.suppress(OSError):
            os.unlink(_PID_FILE, dir_fd=self.cluster)
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self.plan["socket"], _SOCKET_LOCK))

    def _become_server(self, keeper: int) -> None:
        os.setsid()
        os.chdir("/")
        os.umask(0o077)
        # Opened as root: the folders above may be closed to the server's user.
        os.dup2(self.cluster, CLUSTER)
        os.set_inheritable(CLUSTER, True)
        if self.plan["uid"] is not None:
            os.setgroups([])
            os.setgid(self.plan["gid"])
            os.setuid(self.plan["uid"])
        if _libc is not None:
            # After the change of user, which clears it. SIGINT is PostgreSQL's fast shutdown.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != keeper:
                return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.execve(self.plan["argv"][0], self.plan["argv"], self.plan["env"])  # noqa: S606

    def _attend(self, output: int) -> None:
        """Write the server's log until it ends; stop it when nobody is left."""
        asked = 0.0
        open_ends = [output, self.wake]
        while True:
            patience = None if self.ready and not asked else 0.01
            readable, _, _ = select.select(open_ends, [], [], patience)
            if self.wake in readable:
                os.read(self.wake, 4096)
            if output in readable:
                if chunk := os.read(output, 65_536):
                    self.log.write(chunk)
                else:
                    open_ends.remove(output)
            if self._ended():
                self._drain(output)
                return
            if not self.ready and self._is_ready():
                self.ready = True
                self._announce({"ready": True})
            if self.alone.is_set():
                if not asked:
                    asked = time.monotonic()
                    os.kill(self.pid, signal.SIGINT)
                elif time.monotonic() > asked + _STOP_PATIENCE:
                    os.kill(self.pid, signal.SIGKILL)

    def _ended(self) -> bool:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == self.pid:
                return True
            if pid == 0:
                return False

    def _drain(self, output: int) -> None:
        os.set_blocking(output, False)
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(output, 65_536):
                self.log.write(chunk)

    def _is_ready(self) -> bool:
        try:
            file = os.open(_PID_FILE, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.cluster)
        except OSError:
            return False
        try:
            lines = os.read(file, 4096).decode(errors="replace").split("\n")
        finally:
            os.close(file)
        # Line 8 is the status (src/include/utils/pidfile.h: LOCK_FILE_LINE_PM_STATUS).
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _announce(self, news: dict[str, Any]) -> None:
        """Report to our starter how the first start went; after that nobody listens."""
        if self.report is None:
            return
        with contextlib.suppress(OSError):
            os.write(self.report, json.dumps(news).encode())
        os.close(self.report)
        self.report = None


def _end_children() -> None:
    """End what the server left: as subreaper we inherit the backends of a killed one, and the next
    server cannot start while they hold its shared memory."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        for pid in _children():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _children() -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                # The parent is the second field after the name, which may hold anything.
                if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


def _remove_socket_folder(folder: str, cluster: str) -> None:
    if folder == cluster:
        return
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(".s.PGSQL."):
                os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


def main() -> int:
    plan = json.load(sys.stdin)
    # Nobody's child: our starter neither waits for us nor is left with a zombie.
    if os.fork():
        os._exit(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        # A service manager's stop signal goes to the users; we follow when they are gone.
        signal.signal(number, signal.SIG_IGN)
    report, lock = plan["report"], plan["lock"]
    for descriptor in (report, lock):
        os.set_inheritable(descriptor, False)
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        return Keeper(plan, report).run()
    finally:
        _remove_socket_folder(plan["socket"], plan["cluster"])


if __name__ == "__main__":
    sys.exit(main())
