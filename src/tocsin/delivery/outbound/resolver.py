"""Name look-ups for the guard: in threads of their own, keeping only addresses that may be reached.

`getaddrinfo` cannot be interrupted: a slow name keeps its thread. With its own few threads it can
starve only other look-ups here, never the rest of the program.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

Lookup = Callable[[str], Sequence[str]]
"""A name's addresses as text, IPv4 and IPv6; raises OSError if there are none. May block."""

_THREADS = 16


def system_lookup(host: str) -> list[str]:
    """All addresses of a name, in the system's order of preference."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class GuardedResolver(AbstractResolver):
    """Drops the addresses that may not be reached; raises `blocked` if that leaves none."""

    def __init__(
        self,
        is_reachable: Callable[[str], bool],
        blocked: type[OSError],
        lookup: Lookup | None = None,
    ) -> None:
        self._is_reachable = is_reachable
        self._blocked = blocked
        self._lookup = lookup or system_lookup
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        addresses = await loop.run_in_executor(self._threads, self._lookup, host)
        reachable = [address for address in addresses if self._is_reachable(address)]
        if addresses and not reachable:
            raise self._blocked("blocked address")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in reachable
        ]

    async def close(self) -> None:
        # A thread inside getaddrinfo cannot be waited for without waiting for its name server.
        self._threads.shutdown(wait=False, cancel_futures=True)
