"""Running a command as if nothing were around it, and doing something once it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO, Final, NamedTuple, NoReturn

from tocsin.cli.kit.output import complain

_SIGNALLED: Final = 128

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
_OF_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
"""A terminal sends these to the command as well: passed on, they would come twice."""


class CommandEnd(NamedTuple):
    """How a command ended."""

    code: int
    """As a shell has it: 127 and 126 of one that cannot be run, 128 and the signal of one that was
    killed."""
    tail: bytes
    """The end of what it printed, where that was asked for; of one that cannot be run, the reason."""


def run_wrapped(
    command: list[str], over: Callable[[CommandEnd], None], *, tail_bytes: int = 0
) -> NoReturn:
    """Run the command, then `over`, whatever became of it, and end as the command did: with its exit
    code, or by the signal that killed it. Signals are passed on to it. With `tail_bytes` its output
    goes by way of us, and so much of its end is kept."""
    code, tail, words = _run(command, tail_bytes)
    over(CommandEnd(_SIGNALLED - code if code < 0 else code, tail))
    if words is not None:
        complain([words])
    if code < 0:
        sys.stdout.flush()
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = _SIGNALLED - code  # of a signal that does not end us
    sys.exit(code)


def _run(command: list[str], tail_bytes: int) -> tuple[int, bytes, str | None]:
    """Its exit code, negative for a signal; the end of its output; why it could not be run."""
    output = subprocess.PIPE if tail_bytes else None
    try:
        with _passing_on() as pass_on:
            child = subprocess.Popen(  # noqa: S603 - it is what was asked for
                command, stdout=output, stderr=subprocess.STDOUT if tail_bytes else None
            )
            pass_on(child)
            tail = b"" if child.stdout is None else _copied(child.stdout, tail_bytes)
            return child.wait(), tail, None
    except FileNotFoundError:
        words = f"{command[0]}: there is no such command"
        return 127, words.encode(), words
    except OSError as error:
        words = f"{command[0]}: {error.strerror}"
        return 126, words.encode(), words


def _copied(output: IO[bytes], tail_bytes: int) -> bytes:
    """All of it to our own output; its end. A reader of ours that goes away does not end the job."""
    tail, is_read = b"", True
    while chunk := os.read(output.fileno(), 65_536):
        tail = (tail + chunk)[-tail_bytes:]
        if is_read:
            try:
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                is_read = False
    return tail


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
