"""Running a command as if nothing were around it, and doing something once it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from tocsin.cli.exits import Failure
from tocsin.cli.output import complain

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
_OF_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
"""A terminal sends these to the command as well: passed on, they would come twice."""


def run_held(command: list[str], over: Callable[[], None]) -> NoReturn:
    """Run the command, then `over`, whatever became of it, and end as the command did: with its exit
    code, or by the signal that killed it. Signals are passed on to it."""
    code, words = _run(command)
    try:
        over()
    except Failure as failure:
        complain([*failure.lines, "the maintenance ends by itself when its time is up"])
    if words is not None:
        complain([words])
    if code < 0:
        sys.stdout.flush()
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = 128 - code  # of a signal that does not end us
    sys.exit(code)


def _run(command: list[str]) -> tuple[int, str | None]:
    """As a shell has it, 127 and 126 are of commands that cannot be run."""
    try:
        with _passing_on() as pass_on:
            child = subprocess.Popen(command)  # noqa: S603 - it is what was asked for
            pass_on(child)
            return child.wait(), None
    except FileNotFoundError:
        return 127, f"{command[0]}: there is no such command"
    except OSError as error:
        return 126, f"{command[0]}: {error.strerror}"


@contextmanager
def _passing_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Within, signals do not end us; those that came before there was a child are passed on then."""
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def caught(number: int, frame: FrameType | None) -> None:
        if number in _OF_TERMINAL and sys.stdin is not None and sys.stdin.isatty():
            return
        if children:
            children[0].send_signal(number)
        else:
            early.append(number)

    def pass_on(child: subprocess.Popen[bytes]) -> None:
        children.append(child)
        for number in early:
            child.send_signal(number)

    before = {number: signal.signal(number, caught) for number in _PASSED_ON}
    try:
        yield pass_on
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
