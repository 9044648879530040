"""A real uvicorn on 127.0.0.1 in a thread, and a client that says exactly what is sent."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import uvicorn

from tests.support.answers import Answer


class QuickServer(uvicorn.Server):
    """It waits for nothing longer than it lasts: hundreds of tests wait for its end."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - it is asked by an attribute
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in [*self.servers, *(sockets or ())]:
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        deadline = time.monotonic() + (self.config.timeout_graceful_shutdown or 10)
        while self.server_state.connections or self.server_state.tasks:
            if time.monotonic() > deadline:
                for task in self.server_state.tasks:
                    task.cancel()
                break
            await asyncio.sleep(0.002)
        await self.lifespan.shutdown()


@contextmanager
def serving(
    app: Any,
    *,
    lifespan: Literal["on", "off"] = "off",
    listener: socket.socket | None = None,
) -> Iterator[str]:
    """Serves the ASGI application `app` and yields its base URL; on a port of its own, or on that of
    `listener`, which it closes."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    # A page that is open has a stream that does not end by itself.
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan=lifespan,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = QuickServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


_UNSET = object()


@dataclass(frozen=True)
class Client:
    """Requests below /api/v1 with one API key."""

    base_url: str
    key: str | None

    def request(
        self,
        method: str,
        path: str,
        document: Any = _UNSET,
        *,
        query: dict[str, Any] | None = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        url = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
        sent = dict(headers or {})
        if self.key is not None:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        body = raw
        if document is not _UNSET:
            body = json.dumps(document).encode()
            sent.setdefault("Content-Type", "application/json")
        target = f"{url.path}{path}"
        if query:
            target += "?" + urlencode(query, doseq=True)
        try:
            connection.request(method, target, body=body, headers=sent)
            response = connection.getresponse()
            return Answer.of(response)
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Answer:
        return self.request("GET", path, query=query)

    def post(self, path: str, document: Any = _UNSET) -> Answer:
        return self.request("POST", path, document)

    def patch(self, path: str, document: Any) -> Answer:
        return self.request("PATCH", path, document)

    def delete(self, path: str, **query: Any) -> Answer:
        return self.request("DELETE", path, query=query)

    def made(self, path: str, document: Any) -> dict[str, Any]:
        """POST that must succeed; what was made."""
        answer = self.post(path, document)
        assert answer.status in (200, 201, 202), answer
        made: dict[str, Any] = answer.json()
        return made
