"""Questions to the running server, over a socket in its data folder that only its owner can open.

One line of JSON each way. The server answers from a thread of its own, so that it answers, too, while
its workers are busy.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger(__name__)

FILE = "server.sock"
_READ_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_LONGEST_QUESTION = 1_024

Answers = Mapping[str, Callable[[], Any]]
"""What can be asked, and what works out the answer, a JSON value."""


@contextlib.contextmanager
def answering(data_dir: Path, answers: Answers) -> Iterator[None]:
    """Answers until the end. For the server that is announced in the folder, and for no other: it
    takes the place of a socket that a killed one has left."""
    path = data_dir / FILE
    try:
        listener = _listen(path)
    except OSError as error:
        log.warning("control.unavailable", path=str(path), error=error.strerror or str(error))
        yield
        return
    thread = threading.Thread(target=_accept, args=(listener, answers), name="control", daemon=True)
    thread.start()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def ask(data_dir: Path, question: str) -> Any:
    """The running server's answer.

    Raises:
        OSError: nobody answers, or not in time.
        ValueError: the answer is none.
    """
    with socket.socket(socket.AF_UNIX) as asker:
        asker.settimeout(_ANSWER_SECONDS)
        asker.connect(str(data_dir / FILE))
        asker.sendall(json.dumps(question).encode() + b"\n")
        with asker.makefile("rb") as answer:
            return json.loads(answer.read())


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        # Bound under another name and closed to others before anybody can find it.
        draft = path.with_name(f".{os.getpid()}")
        listener.bind(str(draft))
        draft.chmod(0o600)
        listener.listen()
        draft.rename(path)
    except OSError:
        listener.close()
        raise
    return listener


def _accept(listener: socket.socket, answers: Answers) -> None:
    while True:
        try:
            asker, _ = listener.accept()
        except OSError:
            return
        with asker, contextlib.suppress(OSError, ValueError):
            asker.settimeout(_READ_SECONDS)
            with asker.makefile("rb") as asked:
                question = json.loads(asked.readline(_LONGEST_QUESTION))
            if isinstance(question, str) and question in answers:
                asker.sendall(json.dumps(_answer(answers[question])).encode())


def _answer(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception:
        log.exception("control.failed")
        return None
