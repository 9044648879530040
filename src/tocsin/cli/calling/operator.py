"""Who a command acts as: whoever may open the data folder is an admin of every workspace in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.cli.calling.client import ROOT
from tocsin.model import Actor, ActorKind, Role

_NOBODY = UUID(int=0)

Application = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operator(Principal):
    """Whoever runs the program: an admin of every workspace, in the audit log by login name."""

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.SYSTEM, self.name)

    @property
    def is_operator(self) -> bool:
        return True


def operator(login: str, workspace_id: UUID) -> Operator:
    return Operator(_NOBODY, f"command line ({login})", workspace_id, Role.ADMIN)


async def ask(
    app: Application, caller: Operator, method: str, path: str, query: str, body: bytes
) -> tuple[int, bytes]:
    """The application's answer to one request of `caller`, which shows no key: status and body."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": ROOT + path,
        "raw_path": (ROOT + path).encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"content-length", b"%d" % len(body))]
        + ([(b"content-type", b"application/json")] if body else []),
        "client": None,
        "server": None,
        "tocsin.principal": caller,
    }
    status, chunks = 0, []
    sent = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, b"".join(chunks)
