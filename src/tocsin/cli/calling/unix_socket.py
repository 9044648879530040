"""Sockets in the data folder that only its owner can open.

The address of such a socket holds at most some hundred bytes, and a folder may lie deeper than that:
it is opened first, and the socket named below its descriptor.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

_BACKLOG = 64
_CREDENTIALS = struct.Struct("3i")
"""Process, user, group; as the kernel keeps them from the moment of connecting."""


def listen(folder: Path, name: str) -> socket.socket:
    """A listening socket with mode 0600, in place of what a killed server may have left there.

    Raises:
        OSError: the folder does not let us.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        with _addresses(folder) as address_of:
            # Bound under another name and closed to others before anybody can find it.
            draft = f".{name}.{os.getpid()}"
            (folder / draft).unlink(missing_ok=True)
            listener.bind(address_of(draft))
        (folder / draft).chmod(0o600)
        listener.listen(_BACKLOG)
        (folder / draft).rename(folder / name)
    except OSError:
        listener.close()
        raise
    return listener


def connect(folder: Path, name: str, seconds: float) -> socket.socket:
    """A connection to it, on which no step takes longer than `seconds`.

    Raises:
        OSError: nobody listens there, or not for us.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        with _addresses(folder) as address_of:
            connection.connect(address_of(name))
    except OSError:
        connection.close()
        raise
    return connection


def user_of(connection: socket.socket) -> int | None:
    """The user id of the process at the other end; None where the system does not say."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(said)
    return int(user)


@contextlib.contextmanager
def _addresses(folder: Path) -> Iterator[Callable[[str], str]]:
    if not os.path.isdir("/proc/self/fd"):
        yield partial(os.path.join, folder)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield partial(os.path.join, f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
