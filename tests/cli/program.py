"""The command line as its users have it: a program with arguments, an environment and an end."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from tests.support.forked import Forked, fork
from tests.support.postgres import Database
from tocsin.access.vault import Vault
from tocsin.cli import main

TOCSIN = Path(sys.executable).parent / "tocsin"
PATIENCE = 90.0


@dataclass(frozen=True)
class Ended:
    """How a command ended. `complaints` are its lines on standard error, less the program's name."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        lines = [line for line in self.err.splitlines() if line.startswith("tocsin: ")]
        return [line.removeprefix("tocsin: ") for line in lines]


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Program:
    """`tocsin` with one environment. `run` is a process of its own; `call` the same within ours,
    which spares seconds of importing and is otherwise no different. So does `serving`, in a process of
    its own."""

    settings: dict[str, str]
    executable: Path = TOCSIN

    @property
    def environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TOCSIN_")}
        return {**clean, "COLUMNS": "200", **self.settings}

    def run(self, *arguments: str, stdin: bytes | None = None) -> Ended:
        done = subprocess.run(
            [self.executable, *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def call(self, *arguments: str, at_terminal: bool = False) -> Ended:
        out, err = (Terminal(), Terminal()) if at_terminal else (io.StringIO(), io.StringIO())
        code: Any = 0
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "argv", ["tocsin", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as ended:
                code = ended.code
        return Ended(int(code or 0), out.getvalue(), err.getvalue())

    @contextmanager
    def serving(self, *options: str) -> Iterator[str]:
        """`tocsin serve` on a free port, for those who need a server and not how it starts; where it is.
        It must end in good order."""
        if "--port" not in options:
            options = ("--port", "0", *options)
        forked = fork("tocsin.cli", "serve", *options, environment=self.environment)
        running = Running(forked)
        try:
            yield running.await_line(r"ready at (http://\S+)")[1]
            assert running.stop() == 0
        finally:
            forked.kill()
            forked.wait(PATIENCE)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        process = subprocess.Popen(
            [self.executable, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running = Running(process)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


class Running:
    """A program that has not ended yet; what it says is read as it comes."""

    def __init__(self, process: subprocess.Popen[str] | Forked) -> None:
        self.process = process
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, args=(stream, kept), daemon=True)
            for stream, kept in ((process.stdout, self.lines), (process.stderr, self.errors))
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream: Any, kept: list[str]) -> None:
        for line in stream:
            kept.append(line.rstrip("\n"))

    def await_line(self, pattern: str) -> re.Match[str]:
        """The first line of standard output that holds `pattern`."""
        deadline = time.monotonic() + PATIENCE
        while True:
            ended = self.process.poll() is not None
            if ended:
                self._finish()
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            if ended or time.monotonic() > deadline:
                said = "\n".join([*self.lines[-20:], *(line[:500] for line in self.errors[-5:])])
                raise AssertionError(f"no {pattern!r} in:\n{said}")
            time.sleep(0.02)

    def stop(self, sig: signal.Signals = signal.SIGINT) -> int:
        """The exit code after this signal."""
        self.process.send_signal(sig)
        code = self.process.wait(PATIENCE)
        self._finish()
        return code

    def _finish(self) -> None:
        for thread in self._threads:
            thread.join(10)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def on_database(database: Database, folder: Path) -> Program:
    """Tocsin on a database of the test's own, its data folder in `folder`."""
    return Program(
        {
            "TOCSIN_DATABASE_URL": database.url,
            "TOCSIN_SECRET_KEY": Vault.new_key().reveal_text(),
            "TOCSIN_DATA_DIR": str(folder / "data"),
        }
    )


def processes_in(folder: Path) -> list[str]:
    """Command lines that name the folder: whoever still works on it."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(folder) in line:
            found.append(line)
    return found
