"""The keys that Amazon SNS signs with, by the address of their certificate: fetched once, and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tocsin.ingest.proof.sns import Envelope, is_certificate_of_sns, public_key, subscribe_url

log = structlog.get_logger(__name__)

Fetch = Callable[[str], Awaitable[bytes | None]]
"""GET an address by the guarded way out; None if it did not answer with what was asked for."""

MAX_KEYS: Final = 200
"""A region has one at a time."""
MAX_WAITING: Final = 20
"""Certificates that are asked for at once."""
_PAUSE_SECONDS: Final = 10.0


async def _no_way_out(url: str) -> bytes | None:
    return None


class SigningKeys:
    """`known` is looked at by every verification; `learn` adds to it."""

    __slots__ = ("_failed", "_fetch", "_known", "_under_way")

    def __init__(self) -> None:
        self._known: dict[str, RSAPublicKey] = {}
        self._failed: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Task[bool]] = {}
        self._fetch: Fetch = _no_way_out

    @property
    def known(self) -> Mapping[str, RSAPublicKey]:
        return self._known

    def use(self, fetch: Fetch) -> None:
        """From now on ask by `fetch`."""
        self._fetch = fetch

    async def learn(self, url: str) -> bool:
        """Whether the key at `url` is known now; only addresses of SNS are asked. Whoever asks
        while it is fetched shares the answer; after a failure nobody asks for some seconds."""
        if url in self._known:
            return True
        if not is_certificate_of_sns(url):
            return False
        if time.monotonic() - self._failed.get(url, -_PAUSE_SECONDS) < _PAUSE_SECONDS:
            return False
        task = self._under_way.get(url)
        if task is None:
            if len(self._under_way) >= MAX_WAITING:
                return False
            task = asyncio.create_task(self._learn(url), name="signing-key")
            self._under_way[url] = task
            task.add_done_callback(lambda _: self._under_way.pop(url, None))
        return await asyncio.shield(task)

    def confirm(self, envelope: Envelope) -> None:
        """Confirm the subscription that a verified message announces; in the background,
        since SNS waits for no more than our answer."""
        url = subscribe_url(envelope)
        if url is None or url in self._under_way or len(self._under_way) >= MAX_WAITING:
            return
        task = asyncio.create_task(self._confirm(url, envelope.TopicArn), name="sns-confirm")
        self._under_way[url] = task
        task.add_done_callback(lambda _: self._under_way.pop(url, None))

    async def _confirm(self, url: str, topic: str) -> bool:
        is_confirmed = await self._fetch(url) is not None
        if is_confirmed:
            log.info("confirmed a subscription of Amazon SNS", topic=topic[:300])
        else:
            log.warning(
                "cannot confirm a subscription of Amazon SNS",
                topic=topic[:300],
                remedy="open the SubscribeURL in the body of the recorded delivery",
            )
        return is_confirmed

    async def _learn(self, url: str) -> bool:
        pem = await self._fetch(url)
        key = public_key(pem) if pem is not None else None
        if key is None:
            if len(self._failed) >= MAX_KEYS:
                self._failed.clear()
            self._failed[url] = time.monotonic()
            log.warning(
                "cannot fetch a signing certificate of Amazon SNS",
                remedy="webhooks signed by SNS are answered 503 until this server can reach"
                " https://sns.<region>.amazonaws.com; or set auth_scheme to url",
            )
            return False
        if len(self._known) >= MAX_KEYS:
            self._known.clear()
        self._known[url] = key
        return True
