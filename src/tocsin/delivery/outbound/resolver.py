"""Name look-ups for the way out: in threads of their own, each shared by those who ask meanwhile.

`getaddrinfo` cannot be interrupted: a slow name keeps its thread. With its own few threads it can
starve only other look-ups here, never the rest of the program.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

Lookup = Callable[[str], Sequence[str]]
"""A name's addresses as text, IPv4 and IPv6; raises OSError if there are none. May block."""

KNOWN_SECONDS = 10.0
"""A name is looked up again after this."""
_THREADS = 16


class NameNotFound(OSError):
    """A name that has no address, as far as we can find out. Its text never holds the name."""


def system_lookup(host: str) -> list[str]:
    """All addresses of a name, in the system's order of preference."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


@dataclass(frozen=True, slots=True)
class _LookUp:
    found: asyncio.Future[Sequence[str]]
    until: float

    def is_known(self, now: float) -> bool:
        """Or will be: a name whose server does not answer holds one thread, however often it is asked
        for."""
        return self.until > now or not self.found.done()


class Resolver:
    """Of one event loop."""

    def __init__(self, lookup: Lookup | None = None) -> None:
        self._lookup = lookup or system_lookup
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")
        self._asked: dict[str, _LookUp] = {}

    def close(self) -> None:
        # A thread inside getaddrinfo cannot be waited for without waiting for its name server.
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, host: str) -> list[str]:
        """The addresses of a name, at least one.

        Raises:
            NameNotFound: there are none.
        """
        try:
            # Whoever gives up waiting must not end it for the others.
            addresses = await asyncio.shield(self._ask(host))
        except (OSError, UnicodeError):
            raise NameNotFound("no such name") from None
        if not addresses:
            raise NameNotFound("no such name")
        return list(addresses)

    def _ask(self, host: str) -> asyncio.Future[Sequence[str]]:
        loop = asyncio.get_running_loop()
        now = loop.time()
        asked = self._asked.get(host)
        if asked is None or not asked.is_known(now):
            found = loop.run_in_executor(self._threads, self._lookup, host)
            found.add_done_callback(lambda found: self._answered(host, found))
            self._asked = {name: each for name, each in self._asked.items() if each.is_known(now)}
            asked = self._asked[host] = _LookUp(found, now + KNOWN_SECONDS)
        return asked.found

    def _answered(self, host: str, found: asyncio.Future[Sequence[str]]) -> None:
        """What was not found is looked up by the next who asks."""
        if not found.cancelled() and found.exception() is None and found.result():
            return
        asked = self._asked.get(host)
        if asked is not None and asked.found is found:
            del self._asked[host]
