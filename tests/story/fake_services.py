"""What is outside: an HTTP server that plays every receiver, and a mail server, in a thread."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web

from tests.support import certificates
from tests.support.receivers import Mailbox, Received, http, smtp

LOGIN = ("hub", "letmein")

# How each service says that all is well.
_YES = {
    "hook": (204, ""),
    "teams": (202, ""),
    "slack": (200, "ok"),
    "pagerduty": (202, '{"status": "success", "message": "Event processed", "dedup_key": "k"}'),
}


@dataclass
class FakeServices:
    """Paths read `/<service>/<name>`; each name is a receiver of its own."""

    url: str = ""
    mail_port: int = 0
    mailbox: Mailbox = field(default_factory=Mailbox)
    _received: list[Received] = field(default_factory=list)
    _answers: dict[str, list[int]] = field(default_factory=dict)
    _held: dict[str, asyncio.Event] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None

    def answer_first(self, path: str, *statuses: int) -> None:
        """The next messages get these statuses, those after them the service's yes."""
        self._answers[path] = list(statuses)

    def hold(self, path: str) -> None:
        """Messages are taken and not answered, until `release`."""
        self._held[path] = asyncio.Event()

    def release(self, path: str) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._held.pop(path).set)

    def release_all(self) -> None:
        for path in list(self._held):
            self.release(path)

    def received(self, path: str) -> list[Received]:
        return [each for each in self._received if each.path == path]

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.received(path)]

    def mails(self, recipient: str) -> list[EmailMessage]:
        taken = [content for _, to, content in self.mailbox.taken if to == recipient]
        return [message_from_bytes(content, policy=policy.default) for content in taken]

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path
        if (held := self._held.get(path)) is not None:
            await held.wait()
        if waiting := self._answers.get(path):
            return web.Response(status=waiting.pop(0))
        status, text = _YES[path.split("/")[1]]
        return web.Response(status=status, text=text)


@contextmanager
def fake_services() -> Iterator[FakeServices]:
    services = FakeServices()
    ready = threading.Event()
    stop: list[asyncio.Event] = []

    async def serve() -> None:
        async with (
            http(services._respond) as receiver,
            smtp(services.mailbox, starttls=certificates.server(), login=LOGIN) as mail_port,
        ):
            services.url, services.mail_port = receiver.url, mail_port
            services._received = receiver.received
            services._loop = asyncio.get_running_loop()
            stop.append(asyncio.Event())
            ready.set()
            await stop[0].wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(30), "the receivers did not start"
    try:
        yield services
    finally:
        services.release_all()
        assert services._loop is not None
        services._loop.call_soon_threadsafe(stop[0].set)
        thread.join(30)
