"""Connections: opened under the guard, and kept for a while for the next request to the same place.

The guard is `_guarded_socket`: it is given the very socket address that is connected to next, for
names and literal addresses alike, so a name that resolves differently the next time cannot slip
between check and use. What is left out before it only gives clearer errors, and lets a name work that
has other addresses as well.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial

from aiohappyeyeballs import AddrInfoType, start_connection

from tocsin.delivery.outbound.addresses import AddressBlocked, AddressPolicy, Reach
from tocsin.delivery.outbound.exchange import OutgoingConnection
from tocsin.delivery.outbound.resolver import Resolver
from tocsin.delivery.outbound.urls import Origin, is_address

IDLE_SECONDS = 15.0
"""An idle connection is closed after this, at the latest after twice as long."""
_NEXT_ADDRESS_SECONDS = 0.25
"""So long after one address the next is tried beside it (RFC 8305, section 8)."""
_REACHABLE = {
    "https": frozenset({Reach.PUBLIC, Reach.ALLOWED}),
    # What crosses the internet is never in clear.
    "http": frozenset({Reach.ALLOWED}),
}


class OutgoingConnections:
    """Of one event loop. The dispatcher bounds how much is under way; a bound here would let a black
    hole hold the places of the others while their time runs."""

    def __init__(
        self,
        policy: AddressPolicy,
        resolver: Resolver,
        tls: ssl.SSLContext,
        answer_limit: int,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._tls = tls
        self._answer_limit = answer_limit
        self._idle: dict[Origin, list[OutgoingConnection]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.abort()

    def idle(self, origin: Origin) -> OutgoingConnection | None:
        """One that was used before, and is open as far as we know."""
        connections = self._idle.get(origin, [])
        while connections:
            connection = connections.pop()
            if connection.is_open:
                return connection
        return None

    def keep(self, connection: OutgoingConnection, origin: Origin) -> None:
        """For the next."""
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(origin, []).append(connection)
        if self._sweeping is None:
            self._sweeping = loop.call_later(IDLE_SECONDS, self._sweep)

    async def open(self, origin: Origin) -> OutgoingConnection:
        """A new one.

        Raises:
            AddressBlocked: it leads to where no connection may go.
            NameNotFound: the name has no address.
            ssl.SSLError: TLS failed.
            OSError: anything else.
        """
        host = origin.host
        addresses = [host] if is_address(host) else await self._resolver.addresses(host)
        reachable = self._reachable(origin.scheme, addresses)
        if not reachable:
            raise AddressBlocked("blocked address")
        connected = await start_connection(
            [_socket_address(address, origin.port) for address in reachable],
            happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
            socket_factory=partial(self._guarded_socket, origin.scheme),
        )
        is_tls = origin.scheme == "https"
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: OutgoingConnection(self._answer_limit),
                sock=connected,
                ssl=self._tls if is_tls else None,
                server_hostname=host.removesuffix(".") if is_tls else None,
            )
        except BaseException:
            connected.close()
            raise
        return connection

    def _reachable(self, scheme: str, addresses: list[str]) -> list[str]:
        return [each for each in addresses if self._policy.judge(each) in _REACHABLE[scheme]]

    def _guarded_socket(self, scheme: str, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if self._policy.judge(address[0]) not in _REACHABLE[scheme]:
            raise AddressBlocked("blocked address")
        return socket.socket(family=family, type=kind, proto=protocol)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time() - IDLE_SECONDS
        for origin, connections in list(self._idle.items()):
            fresh = []
            for connection in connections:
                if connection.is_open and connection.idle_since > before:
                    fresh.append(connection)
                else:
                    connection.abort()
            if fresh:
                self._idle[origin] = fresh
            else:
                del self._idle[origin]
        self._sweeping = loop.call_later(IDLE_SECONDS, self._sweep) if self._idle else None


def _socket_address(address: str, port: int) -> AddrInfoType:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
