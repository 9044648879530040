"""What one case says on its connection, and what every kind of case is built from."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.paths import SAMPLES
from tests.support.workspace import Sender

TYPES = (
    "generic",
    "alertmanager",
    "datadog",
    "github",
    "grafana",
    "pagerduty",
    "standard_webhooks",
)


@dataclass(frozen=True)
class Case:
    """What is said on one connection, in pieces with a pause between them. `is_whole`: the server
    has all it needs for an answer and needs one."""

    name: str
    said: tuple[bytes, ...]
    is_whole: bool = True


@cache
def samples(type: str) -> tuple[Any, ...]:
    return tuple(json.loads(path.read_text()) for path in sorted((SAMPLES / type).glob("*.json")))


class CaseBuilder:
    """Builds requests of senders of every type, from a seed."""

    def __init__(self, senders: dict[str, Sender], seed: int) -> None:
        self.senders = senders
        self.chance = random.Random(seed)

    def sender(self) -> Sender:
        return self.senders[self.chance.choice(TYPES)]

    def sample(self, sender: Sender) -> Any:
        type = next(name for name, known in self.senders.items() if known is sender)
        return self.chance.choice(samples(type))

    def request(
        self,
        sender: Sender,
        body: bytes,
        *,
        method: str = "POST",
        path: str | None = None,
        signed: bytes | None = None,
        **headers: str,
    ) -> bytes:
        """A whole request. `signed`: what was signed, if not the body."""
        given = {
            "Host": "localhost",
            "Connection": "close",
            "Content-Length": str(len(body)),
            **sender.headers(body if signed is None else signed),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if path is None:
            path = sender.path
        events = ["ping", "workflow_run", "dependabot_alert", "code_scanning_alert", "x"]
        given["X-GitHub-Event"] = self.chance.choice(events)
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in given.items() if value is not None
        )
        return head.encode("latin-1") + b"\r\n" + body

    def signed(self, name: str, body: bytes, **headers: str) -> Case:
        return Case(name, (self.request(self.sender(), body, **headers),))
