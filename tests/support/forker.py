"""A process that has imported the application, and forks for each program that is asked for.

    python -m tests.support.forker DESCRIPTOR

On the socket of that number it takes one message for each (`forked.py` sends them): what to run, and
where its output goes. It ends with whoever started it, and its children with it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

MOST = 200_000
"""Bytes of a message: nearly all of it is an environment."""


def _prepare() -> None:
    """What a start of the server does that is the same for all of them."""
    import alembic.command
    import uvloop
    from sqlalchemy.orm import configure_mappers

    import tocsin.app
    import tocsin.cli.server.serving
    import tocsin.store.embedded
    import tocsin.store.migrate
    from tocsin.api import assembly
    from tocsin.cli import _command

    assert all((alembic.command, uvloop, tocsin.app))
    configure_mappers()
    assembly._routes()
    _command()
    gc.collect()
    gc.freeze()


def main() -> None:
    asked = socket.socket(fileno=int(sys.argv[1]))
    # Ctrl-C is for those that run the tests, who then close the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _prepare()
    ended, wakes = socket.socketpair()
    for each in (asked, ended, wakes):
        each.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    """Of each child, where its end is said."""
    selector = selectors.DefaultSelector()
    selector.register(asked, selectors.EVENT_READ)
    selector.register(ended, selectors.EVENT_READ)
    while True:
        selector.select()
        with contextlib.suppress(BlockingIOError):
            ended.recv(65_536)
        _reap(running)
        try:
            message, given, _, _ = socket.recv_fds(asked, MOST, 3)
        except BlockingIOError:
            continue
        if not message:
            break
        assert threading.active_count() == 1, "a thread would not be there after a fork"
        out, err, says_end = given
        child = os.fork()
        if child == 0:
            try:
                signal.set_wakeup_fd(-1)
                selector.close()
                for each in (asked, ended, wakes):
                    each.close()
                for kept in (says_end, *running.values()):
                    os.close(kept)
                _become(json.loads(message), out, err)
            finally:
                os._exit(1)
        os.close(out)
        os.close(err)
        running[child] = says_end
        asked.send(str(child).encode())
    for child in running:
        os.kill(child, signal.SIGKILL)


def _reap(running: dict[int, int]) -> None:
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        says_end = running.pop(child)
        os.write(says_end, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(says_end)


def _become(asked: dict[str, Any], out: int, err: int) -> NoReturn:
    """The program itself, from here to its end."""
    for kind, handler in (
        (signal.SIGCHLD, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
    ):
        signal.signal(kind, handler)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    sys.stdout = _text(1, line_buffering=False)
    sys.stderr = _text(2, line_buffering=True)
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    os.chdir(asked["folder"])
    sys.argv[:] = ["tocsin", *asked["arguments"]]
    # By this a program finds what it is called.
    sys.modules["__main__"].__package__ = None
    code = 1
    try:
        runpy.run_module(asked["program"], run_name="__main__")
        code = 0
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            code = ended.code or 0
        else:
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        # What an interpreter does at its end, but for taking apart what it holds.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _text(descriptor: int, *, line_buffering: bool) -> io.TextIOWrapper:
    raw = open(descriptor, "wb", closefd=False)  # noqa: SIM115 - it lives as long as we
    return io.TextIOWrapper(
        raw, encoding="utf-8", errors="backslashreplace", line_buffering=line_buffering
    )


if __name__ == "__main__":
    main()
