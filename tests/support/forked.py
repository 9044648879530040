"""Programs of ours as processes that begin with all imported: a start costs a fifth.

All that a program does, it does in a process of its own, with its own environment, streams, signals and
exit status. What is not as it ships: how it starts, and what `/proc` shows of that. Whoever tests those
runs `tocsin` itself (`tests/cli/program.py`).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

from tests.support.forker import MOST
from tests.support.paths import ROOT


class Forked:
    """A child of the forker. As far as tests need it, it is used as a `subprocess.Popen` is."""

    def __init__(self, pid: int, stdout: IO[str], stderr: IO[str] | None, end: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        return self._ended(0.0)

    def wait(self, timeout: float) -> int:
        """Its exit status; minus the signal, where one has ended it.

        Raises:
            subprocess.TimeoutExpired: it has not ended by then.
        """
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float) -> int | None:
        if self.returncode is None:
            readable, _, _ = select.select([self._end], [], [], timeout)
            if readable:
                said = os.read(self._end, 100)
                os.close(self._end)
                assert said, "the forker is gone"
                self.returncode = int(said)
        return self.returncode


def fork(
    program: str,
    *arguments: str,
    environment: Mapping[str, str],
    stderr: IO[str] | None = None,
) -> Forked:
    """The module `program`, run as the main one. Its standard error goes to `stderr`, or into a pipe."""
    return _forker().fork(program, arguments, environment, stderr)


class _Forker:
    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._asked, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A busy machine may need long to import everything.
        self._asked.settimeout(90)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TOCSIN_")}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                env=clean,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        atexit.register(self.close)

    def fork(
        self,
        program: str,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        stderr: IO[str] | None,
    ) -> Forked:
        message = json.dumps(
            {
                "program": program,
                "arguments": arguments,
                "environment": dict(environment),
                "folder": str(Path.cwd()),
            }
        ).encode()
        assert len(message) < MOST
        out, their_out = os.pipe()
        end, their_end = os.pipe()
        err = None
        if stderr is None:
            err, their_err = os.pipe()
        else:
            their_err = os.dup(stderr.fileno())
        try:
            with self._turn:
                socket.send_fds(self._asked, [message], [their_out, their_err, their_end])
                pid = self._asked.recv(100)
        finally:
            for each in (their_out, their_err, their_end):
                os.close(each)
        assert pid, "the forker is gone"
        return Forked(int(pid), os.fdopen(out), None if err is None else os.fdopen(err), end)

    def close(self) -> None:
        self._asked.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()


@cache
def _forker() -> _Forker:
    """Of this process, from its first use to its end."""
    return _Forker()
