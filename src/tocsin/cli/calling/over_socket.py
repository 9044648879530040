"""The API of the server that runs on the data folder, by a socket in it.

First a line of JSON each way: who is meant, or why not. Then, as often as the command likes, a line
of JSON and as many bytes of body as it says, again each way.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from enum import StrEnum
from io import BufferedRWPair
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.cli.calling import unix_socket
from tocsin.cli.calling.client import ApiClient, no_workspace
from tocsin.cli.kit.exits import Exit, Failure

if TYPE_CHECKING:
    from tocsin.model import Secret

FILE = "api.sock"
VERSION = 1
"""Of this conversation; a server of another speaks it otherwise."""
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
"""The server gives up a call after half of that."""


class Refusal(StrEnum):
    """Why the server does not answer this command."""

    USER = "user"
    """It is not its owner's."""
    VERSION = "version"
    DATABASE = "database"
    """The command is meant for another database than the server's."""
    WORKSPACE = "workspace"
    """There is none of this name."""


class SocketApi(ApiClient):
    def __init__(self, stream: BufferedRWPair, data_dir: Path) -> None:
        self._stream = stream
        self._data_dir = data_dir

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        try:
            _write(
                self._stream,
                {"method": method, "path": path, "query": query, "length": len(body)},
                body,
            )
            head = _read(self._stream)
            answered = self._stream.read(head["length"])
            if len(answered) < head["length"]:
                raise EOFError
            return int(head["status"]), answered
        except TimeoutError:
            raise _silent(self._data_dir) from None
        except (OSError, EOFError, ValueError):
            raise _gone(self._data_dir, method) from None


@contextlib.contextmanager
def socket_api(
    data_dir: Path, workspace: str, database: Secret | None
) -> Iterator[ApiClient | None]:
    """The API as an admin of one workspace; None where no server answers for it: none runs, or one
    for another database than the `database` that the settings of this command name.

    Raises:
        Failure: there is no such workspace, the server is another user's, or it stays silent.
    """
    with contextlib.ExitStack() as stack:
        try:
            connection = unix_socket.connect(data_dir, FILE, _CONNECT_SECONDS)
        except OSError:
            yield None
            return
        stack.enter_context(connection)
        connection.settimeout(_ANSWER_SECONDS)
        stream = stack.enter_context(_stream(connection))
        refusal = _introduce(stream, data_dir, workspace, database)
        if refusal is Refusal.USER:
            raise Failure(
                f"the server on {data_dir} answers its owner only; run tocsin as that user"
            )
        if refusal is Refusal.WORKSPACE:
            raise no_workspace(workspace)
        yield None if refusal is not None else SocketApi(stream, data_dir)


def _introduce(
    stream: BufferedRWPair, data_dir: Path, workspace: str, database: Secret | None
) -> Refusal | None:
    greeting = {
        "version": VERSION,
        "workspace": workspace,
        "database": None if database is None else database.reveal_text(),
    }
    try:
        _write(stream, greeting)
        refused = _read(stream)["refused"]
    except TimeoutError:
        raise _silent(data_dir) from None
    except (OSError, EOFError, ValueError, KeyError):
        # It ended, or speaks otherwise: as if none were running.
        return Refusal.VERSION
    return None if refused is None else Refusal(refused)


@contextlib.contextmanager
def _stream(connection: socket.socket) -> Iterator[BufferedRWPair]:
    stream = connection.makefile("rwb")
    try:
        yield stream
    finally:
        # What could not be sent to a server that is gone is of no further interest.
        with contextlib.suppress(OSError):
            stream.close()


def _write(stream: BufferedRWPair, head: dict[str, Any], body: bytes = b"") -> None:
    stream.write(json.dumps(head).encode() + b"\n" + body)
    stream.flush()


def _read(stream: BufferedRWPair) -> dict[str, Any]:
    """The next line.

    Raises:
        EOFError: the other end closed.
        ValueError: it does not speak as we do.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    if not isinstance(head, dict):
        raise ValueError("not an object")
    return head


def _silent(data_dir: Path) -> Failure:
    return Failure(
        f"the server on {data_dir} has not answered for {_ANSWER_SECONDS:.0f} s; its log may say "
        "why",
        code=Exit.UNREACHABLE,
    )


def _gone(data_dir: Path, method: str) -> Failure:
    said = f"the server on {data_dir} ended before it answered"
    if method == "GET":
        return Failure(f"{said}; try again", code=Exit.UNREACHABLE)
    return Failure(
        f"{said}: whether it still did this is not known; look, and try again",
        code=Exit.UNREACHABLE,
    )
