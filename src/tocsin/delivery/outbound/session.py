"""The one way out: HTTP requests that reach only where they may.

    url ──► parse_url ──► an idle connection, or a new one ──► exchange ──► Answer
                          (connections.py, the guard)        (exchange.py)

No redirects, no proxy from the environment, no cookies, nothing unpacked; limits on time and on what is
read of an answer (docs/adr/0013-own-http-client.md).
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tocsin.delivery.outbound.addresses import AddressBlocked, AddressPolicy
from tocsin.delivery.outbound.answer import Answer, NoAnswer
from tocsin.delivery.outbound.connections import OutgoingConnections
from tocsin.delivery.outbound.exchange import (
    ConnectionLost,
    OutgoingConnection,
    Unreadable,
    request,
)
from tocsin.delivery.outbound.resolver import Lookup, NameNotFound, Resolver
from tocsin.delivery.outbound.urls import ParsedUrl, UrlRefused, parse_url

ANSWER_LIMIT = 4_096
"""Bytes read of an answer; the rest is thrown away with its connection."""
CONNECT_SECONDS = 5.0
USER_AGENT = "Tocsin/1.0"
_ALWAYS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}


class Outbound:
    """Owns the connections; enter it once per process and event loop.

    `https://` goes to public addresses and allowed networks, `http://` to allowed networks only:
    what crosses the internet is never in clear.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        timeout: float = 15.0,
        connect_timeout: float = CONNECT_SECONDS,
        lookup: Lookup | None = None,
        ssl_context: ssl.SSLContext | None = None,
        answer_limit: int = ANSWER_LIMIT,
    ) -> None:
        """`timeout` in seconds is for a whole request, `connect_timeout` for look-up, connection
        and TLS together. `lookup` replaces getaddrinfo and `ssl_context` the system's roots. Of an
        answer, `answer_limit` bytes are read."""
        self.policy = policy
        self.timeout = timeout
        self._connect_timeout = min(connect_timeout, timeout)
        self._answer_limit = answer_limit
        self._lookup = lookup
        self._tls = ssl_context

    async def __aenter__(self) -> Self:
        self._resolver = Resolver(self._lookup)
        self._connections = OutgoingConnections(
            self.policy, self._resolver, self._tls or _system_tls(), self._answer_limit
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connections.close()
        self._resolver.close()
        # The transports say goodbye in the next turn of the loop.
        await asyncio.sleep(0)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer | NoAnswer:
        """POST `body` to `url`. Userinfo in the URL becomes an Authorization header.

        A connection that the other side closed while idle is replaced once, immediately: the
        request most likely never arrived, and every receiver can drop a repeat by its id.
        """
        return await self._ask("POST", url, body, headers)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer | NoAnswer:
        """GET `url`, by the same way out."""
        return await self._ask("GET", url, None, headers)

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Answer | NoAnswer:
        try:
            target = parse_url(url)
        except UrlRefused as refused:
            return NoAnswer(refused.code, f"has a URL that {refused.message}", permanent=True)
        sent = {**_ALWAYS, **(headers or {})}
        if target.authorization is not None:
            sent.setdefault("Authorization", target.authorization)
        try:
            asked = request(method, target, sent, body)
        except ValueError:
            return NoAnswer("header-invalid", "is set up with what no header can hold", True)
        ends = asyncio.get_running_loop().time() + self.timeout
        idle = self._connections.idle(target.origin)
        if idle is not None:
            answer = await self._exchange(idle, target, asked, ends)
            if answer is not None:
                return answer
        try:
            connection = await self._open(target, ends)
        except (OSError, RuntimeError) as error:  # uvloop raises the latter, too
            return _not_connected(error, target.scheme)
        return await self._exchange(connection, target, asked, ends) or _LOST

    async def _open(self, target: ParsedUrl, ends: float) -> OutgoingConnection:
        left = ends - asyncio.get_running_loop().time()
        async with asyncio.timeout(min(self._connect_timeout, left)):
            return await self._connections.open(target.origin)

    async def _exchange(
        self, connection: OutgoingConnection, target: ParsedUrl, asked: bytes, ends: float
    ) -> Answer | NoAnswer | None:
        """None where the connection ended before anything was heard."""
        left = ends - asyncio.get_running_loop().time()
        try:
            answer = await connection.exchange(asked, left)
        except ConnectionLost as lost:
            return None if lost.unheard else _LOST
        except TimeoutError:
            return NoAnswer("timeout", "did not answer in time")
        except ssl.SSLError:
            return _TLS_FAILED
        except Unreadable:
            return NoAnswer("answer-unreadable", "answered with something that is not HTTP")
        if connection.is_reusable:
            self._connections.keep(connection, target.origin)
        return answer


@functools.cache
def _system_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _not_connected(error: OSError | RuntimeError, scheme: str) -> NoAnswer:
    """Our words for what went wrong. Those of the error may hold an address."""
    match error:
        case AddressBlocked():
            return NoAnswer("address-blocked", _BLOCKED[scheme], is_blocked=True)
        case NameNotFound():
            return NoAnswer("name-not-found", "has a host name that could not be looked up")
        case ssl.SSLCertVerificationError():
            return NoAnswer("tls-certificate", "showed a TLS certificate that is not valid for it")
        case ssl.SSLError():
            return _TLS_FAILED
        case TimeoutError():
            return NoAnswer("connect-timeout", "did not take the connection in time")
        case ConnectionRefusedError():
            return NoAnswer("connection-refused", "refused the connection")
        case _:
            return NoAnswer("unreachable", "could not be reached")


_LOST = NoAnswer("connection-lost", "closed the connection without an answer")
_TLS_FAILED = NoAnswer("tls-failed", "could not agree on a TLS connection")
_BLOCKED = {
    "https": (
        "points to an address that may not be reached: private, reserved or a cloud's metadata; "
        "an operator can allow a network with TOCSIN_OUTBOUND_ALLOW"
    ),
    "http": (
        "points to an address that may not be reached over http://; use https://, or let an "
        "operator allow its network with TOCSIN_OUTBOUND_ALLOW"
    ),
}
