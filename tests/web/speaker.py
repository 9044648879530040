"""The HTTP protocol with an application behind it that counts the bytes of each body, and talking
to it by the byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tests.api.server import QuickServer
from tocsin.web.protocol import Protocol

WAIT_SECONDS = 20


@dataclass
class Speaker:
    port: int = 0
    scopes: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=100))
    """Of the newest requests that reached the application. All of them would be what fills the memory
    in tests that look at it: a kilobyte each."""
    count: int = 0
    """Of all requests that did."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Requests to /wait are answered once it is set."""

    def heard(self, *said: bytes, pause: float = 0.0) -> bytes:
        """All that comes back until the server closes."""
        with self.connect() as connection:
            for piece in said:
                connection.sendall(piece)
                time.sleep(pause)
            return everything(connection)

    def heard_before_cut(self, *said: bytes, pause: float = 0.0) -> bytes:
        """The same of a server that does not read to the end."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):
                for piece in said:
                    connection.sendall(piece)
                    time.sleep(pause)
            return everything_before_cut(connection)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        self.count += 1
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        if scope["path"] == "/wait":
            await asyncio.to_thread(self.gate.wait, WAIT_SECONDS)
        body = b"%d" % size
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def everything(connection: socket.socket) -> bytes:
    answer = b""
    while data := connection.recv(65_536):
        answer += data
    return answer


def everything_before_cut(connection: socket.socket) -> bytes:
    answer = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65_536):
            answer += data
    return answer


@contextmanager
def in_a_thread(
    server: uvicorn.Server, listener: socket.socket, gate: threading.Event
) -> Iterator[None]:
    """It serves meanwhile; whoever still waits for the gate is let go before it ends."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        gate.set()
        server.should_exit = True
        thread.join()


@contextmanager
def speaker() -> Iterator[Speaker]:
    running = Speaker()
    listener = socket.create_server(("127.0.0.1", 0))
    running.port = listener.getsockname()[1]
    server = QuickServer(
        uvicorn.Config(
            running.app,
            http=Protocol,
            interface="asgi3",
            lifespan="off",
            log_level="critical",
            access_log=False,
        )
    )
    with in_a_thread(server, listener, running.gate):
        yield running
