"""Questions to the running server, over a socket in its data folder that only its owner can open.

One line of JSON each way. The server answers from a thread of its own, so that it answers, too, while
its workers are busy.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from tocsin.cli.calling import unix_socket

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
        listener = unix_socket.listen(data_dir, FILE)
    except OSError as error:
        log.warning(
            "cannot open the control socket", path=str(path), error=error.strerror or str(error)
        )
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
    with unix_socket.connect(data_dir, FILE, _ANSWER_SECONDS) as asker:
        asker.sendall(json.dumps(question).encode() + b"\n")
        with asker.makefile("rb") as answer:
            return json.loads(answer.read())


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
        log.exception("cannot answer a question on the control socket")
        return None
