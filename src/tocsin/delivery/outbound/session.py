"""The one way out: HTTP requests that reach only where they may.

The guard is `socket_factory`: aiohttp gives it the exact socket address that is connected to next,
for names and literal addresses alike, so a name that resolves differently the next time cannot
slip between check and use. The resolver in front of it only gives clearer errors. No redirects, no
proxy from the environment, no cookies, limits on time and on what is read of an answer.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import weakref
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

from tocsin.delivery.outbound.addresses import AddressPolicy, Reach
from tocsin.delivery.outbound.resolver import GuardedResolver, Lookup
from tocsin.delivery.outbound.urls import UrlRefused, parse_url

ANSWER_LIMIT = 4_096
"""Bytes read of an answer; the rest is thrown away with its connection."""
CONNECT_SECONDS = 5.0
USER_AGENT = "Tocsin/1.0"


class AddressBlocked(OSError):
    """No connection may go to this address. Its text never holds the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said: as many bytes of the body as are read at most, as sent."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no answer. `permanent`: asking again will not help. `is_blocked`: nor will it
    until an operator allows the network. `message` says what happened in words that follow a
    destination's name, without its URL or address."""

    code: str
    message: str
    permanent: bool = False
    is_blocked: bool = False


class Outbound:
    """Owns the sessions; enter it once per process and event loop.

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
        self._answer_limit = answer_limit
        self._timeouts = aiohttp.ClientTimeout(total=timeout, connect=min(connect_timeout, timeout))
        self._lookup = lookup
        self._ssl: ssl.SSLContext | bool = True if ssl_context is None else ssl_context
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._resolvers: list[GuardedResolver] = []

    async def __aenter__(self) -> Self:
        self._sessions = {
            "https": self._session({Reach.PUBLIC, Reach.ALLOWED}),
            "http": self._session({Reach.ALLOWED}),
        }
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()
        resolvers, self._resolvers = self._resolvers, []
        for resolver in resolvers:
            await resolver.close()

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
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
        if target.authorization is not None:
            sent.setdefault("Authorization", target.authorization)
        session = self._sessions[target.scheme]
        used = _Used()
        _used.set(used)
        for _ in range(2):
            try:
                return await self._exchange(session, method, target.url, body, sent)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError) as error:
                if not used.was_idle:
                    return _explain(error, target.scheme)
                used.was_idle = False
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                return _explain(error, target.scheme)
        return NoAnswer("connection-lost", "closed the connection without an answer")

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: Any,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        async with session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            data, limit = b"", self._answer_limit
            while len(data) <= limit:
                piece = await response.content.read(limit + 1 - len(data))
                if not piece:
                    break
                data += piece
            complete = len(data) <= limit
            if not complete:
                response.close()
            return Answer(response.status, response.headers, data[:limit], complete)

    def _session(self, reachable: set[Reach]) -> aiohttp.ClientSession:
        def is_reachable(address: str) -> bool:
            return self.policy.judge(address) in reachable

        def guarded_socket(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, address = info
            if not is_reachable(address[0]):
                raise AddressBlocked("blocked address")
            return socket.socket(family=family, type=kind, proto=protocol)

        resolver = GuardedResolver(is_reachable, AddressBlocked, self._lookup)
        self._resolvers.append(resolver)
        return aiohttp.ClientSession(
            connector=_Connector(
                socket_factory=guarded_socket,
                resolver=resolver,
                ssl=self._ssl,
                ttl_dns_cache=10,
                # The dispatcher bounds how much is under way; a cap here would let a black hole
                # hold the places of the others while their time runs.
                limit=0,
            ),
            timeout=self._timeouts,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
        )


@dataclass(slots=True)
class _Used:
    """Whether one request went out on a connection that had been idle."""

    was_idle: bool = False


_used: ContextVar[_Used] = ContextVar("tocsin_outbound_used")


class _Connector(aiohttp.TCPConnector):
    """Notes which requests go out on connections that were used before. aiohttp's own way to know,
    a trace, costs every request a third of its time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature is aiohttp's
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        if connection.protocol in self._known:
            _used.get().was_idle = True
        else:
            self._known.add(connection.protocol)
        return connection


def _explain(error: BaseException, scheme: str) -> NoAnswer:
    """Our words for what went wrong. The library's are never used: some hold the whole URL."""
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, AddressBlocked):
        return NoAnswer("address-blocked", _BLOCKED[scheme], is_blocked=True)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NoAnswer("name-not-found", "has a host name that could not be looked up")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return NoAnswer("tls-certificate", "showed a TLS certificate that is not valid for it")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return NoAnswer("tls-failed", "could not agree on a TLS connection")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return NoAnswer("connect-timeout", "did not take the connection in time")
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return NoAnswer("timeout", "did not answer in time")
    if isinstance(cause, ConnectionRefusedError):
        return NoAnswer("connection-refused", "refused the connection")
    if isinstance(error, aiohttp.ClientConnectorError):
        return NoAnswer("unreachable", "could not be reached")
    if isinstance(error, aiohttp.InvalidURL):
        return NoAnswer("url-invalid", "has a URL that cannot be sent to", permanent=True)
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError | ValueError):
        return NoAnswer("answer-unreadable", "answered with something that is not HTTP")
    return NoAnswer("connection-lost", "closed the connection without an answer")


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
