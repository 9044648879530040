"""Receivers to send to: real servers on 127.0.0.1 that answer as a test asks them to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`url` is where it listens; `received` is what came."""

    url: str
    port: int
    received: list[Received] = field(default_factory=list)


def answer(status: int = 200, body: bytes | str = b"", **headers: str) -> Handler:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status,
            body=body.encode() if isinstance(body, str) else body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return respond


@asynccontextmanager
async def http(
    handler: Handler, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Receiver]:
    receiver = Receiver("", 0)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        receiver.received.append(
            Received(request.raw_path, dict(request.headers), await request.read())
        )
        return await handler(request)  # type: ignore[arg-type]

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=tls)
    await site.start()
    receiver.port = runner.addresses[0][1]
    receiver.url = f"{'https' if tls else 'http'}://{host}:{receiver.port}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(reply: bytes | None, *, greets: bool = False) -> AsyncIterator[int]:
    """Takes connections, says `reply` once spoken to (with `greets` at once) and hangs up; with
    None it says nothing and stays."""
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if reply is None:
                await gone.wait()
            else:
                if not greets:
                    await reader.read(100)
                writer.write(reply)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def nobody() -> AsyncIterator[int]:
    """A port on which nothing listens."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    yield port


@dataclass
class Mailbox:
    """An SMTP server's rules and what it took: `(envelope sender, recipient, bytes)`."""

    refusals: dict[str, str] = field(default_factory=dict)
    """Recipient → the reply to RCPT."""
    data_reply: str = "250 2.0.0 queued as ABC123"
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)
    connections: int = 0
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data_reply.startswith("2"):
            self.encrypted.append(session.ssl is not None or server.transport_is_tls)
            for recipient in envelope.rcpt_tos:
                self.taken.append((envelope.mail_from, recipient, envelope.content))
        return self.data_reply


class _Server(SMTP):
    transport_is_tls = False


@asynccontextmanager
async def smtp(
    mailbox: Mailbox,
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
) -> AsyncIterator[int]:
    def authenticate(
        server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        mailbox.logins.append(data.login.decode())
        right = login == (data.login.decode(), data.password.decode())
        return AuthResult(success=right, handled=False)

    def make() -> SMTP:
        mailbox.connections += 1
        server = _Server(
            mailbox,
            hostname="mail.test",
            tls_context=starttls,
            authenticator=authenticate if login else None,
            auth_required=login is not None,
            auth_require_tls=implicit is None,
            loop=asyncio.get_running_loop(),
        )
        server.transport_is_tls = implicit is not None
        return server

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=implicit)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
