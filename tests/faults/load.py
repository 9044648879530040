"""Many webhooks at once over many connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from tests.support.node import PATIENCE
from tests.support.workspace import Sender

T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    status: int
    document: dict[str, Any]

    @property
    def outcome(self) -> str:
        outcome: str = self.document["status"]
        return outcome


class Load:
    """One session; every request under way has a connection of its own."""

    def __init__(self) -> None:
        self.session = aiohttp.ClientSession(
            # None is kept: one that the server ends for being idle may be ended as it is taken up.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
        )

    async def __aenter__(self) -> Load:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def webhook(self, base_url: str, sender: Sender, payload: Any, **headers: str) -> Reply:
        body = json.dumps(payload).encode()
        async with self.session.post(
            base_url + sender.path, data=body, headers=sender.headers(body, **headers)
        ) as response:
            return Reply(response.status, await response.json(content_type=None))

    async def act(self, base_url: str, key: str, alert_id: Any, action: str) -> Reply:
        async with self.session.post(
            f"{base_url}/api/v1/alerts/{alert_id}/{action}",
            headers={"Authorization": f"Bearer {key}"},
        ) as response:
            return Reply(response.status, await response.json(content_type=None))


async def at_once(work: Iterable[Coroutine[Any, Any, T]], *, at_most: int = 400) -> Sequence[T]:
    """Run all, so many at a time; the results in order."""
    turn = asyncio.Semaphore(at_most)

    async def one(each: Coroutine[Any, Any, T]) -> T:
        async with turn:
            return await each

    return await asyncio.gather(*(one(each) for each in work))
