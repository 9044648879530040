"""Where mail comes in (SMTP, RFC 5321): connections, their limits and their time, STARTTLS.

The library speaks the protocol; what a recipient is and what becomes of a mail is in `taking.py`.
Anybody may connect, so a session is short, its commands are counted, and nothing that it says is logged:
the recipient is a secret.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import AnyStr, Final, cast

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from tocsin.ingest.inbound.mail.taking import FAULT, MailTaker, Recipient

log = structlog.get_logger(__name__)

SESSIONS: Final = 40
"""At once, per process. Each may hold one mail of the largest size."""
SESSIONS_OF_ONE_HOST: Final = 20
"""As many as Postfix opens to one destination."""
COMMAND_SECONDS: Final = 120.0
"""For one command, and for what follows `DATA`."""
SESSION_SECONDS: Final = 300.0
"""However busy it is: a mail server that has more to bring comes again."""
RECIPIENTS: Final = 20
"""Of one mail."""
_COMMANDS: Final = {"RCPT": 200, "MAIL": 100, "DATA": 100, "*": 60}
"""Of one session."""
_LINE_BYTES: Final = 131_072
"""Of a mail. The standard has 1,000; tools write whole pages of HTML in one."""
_RENEWAL_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0

_BUSY: Final = b"421 4.7.0 Too many connections; come again later\r\n"
_TOO_MANY: Final = f"452 4.5.3 A mail has at most {RECIPIENTS} recipients here"


@dataclass(frozen=True, slots=True)
class Certificate:
    """For STARTTLS, in PEM. `key` is None where the certificate's file has it."""

    chain: Path
    key: Path | None

    def load(self) -> ssl.SSLContext:
        """Raises OSError or ssl.SSLError where it cannot be used."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain, self.key)
        return context

    def changed_at(self) -> tuple[float, ...]:
        return tuple(each.stat().st_mtime for each in (self.chain, self.key) if each is not None)


@dataclass(slots=True)
class MailListener:
    """One per process, on a socket that may be shared with others."""

    taker: MailTaker
    socket: socket.socket
    size_limit: int
    certificate: Certificate | None = None
    session_seconds: float = SESSION_SECONDS
    command_seconds: float = COMMAND_SECONDS
    sessions: int = SESSIONS
    sessions_of_one_host: int = SESSIONS_OF_ONE_HOST
    _tls: ssl.SSLContext | None = None
    _loaded: tuple[float, ...] = ()
    _looked_at: float = 0.0
    _open: set[_Connection] = field(default_factory=set)
    _hosts: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises OSError or ssl.SSLError where the certificate cannot be used."""
        # The library logs each command, and so the recipients.
        logging.getLogger("mail.log").disabled = True
        if self.certificate is not None:
            self._loaded, self._looked_at = self.certificate.changed_at(), time.monotonic()
            self._tls = self.certificate.load()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), sock=self.socket
        )

    async def stop(self) -> None:
        """No more connections; those that have a mail under way end it, the others end now."""
        if self._server is not None:
            self._server.close()
        deadline = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < deadline:
            for each in [each for each in self._open if not each.is_taking]:
                each.end()
            if not self._open:
                return
            await asyncio.sleep(0.05)

    def admit(self, connection: _Connection, host: str) -> bool:
        if len(self._open) >= self.sessions or self._hosts[host] >= self.sessions_of_one_host:
            return False
        self._open.add(connection)
        self._hosts[host] += 1
        return True

    def forget(self, connection: _Connection, host: str) -> None:
        self._open.discard(connection)
        self._hosts[host] -= 1
        if self._hosts[host] <= 0:
            del self._hosts[host]

    def tls(self) -> ssl.SSLContext | None:
        """With the certificate as it is now: it is renewed every few weeks."""
        if self.certificate is not None and time.monotonic() - self._looked_at > _RENEWAL_SECONDS:
            self._looked_at = time.monotonic()
            try:
                if (changed_at := self.certificate.changed_at()) != self._loaded:
                    self._tls, self._loaded = self.certificate.load(), changed_at
            except (OSError, ssl.SSLError) as error:
                log.error("the certificate for mail cannot be used", error=str(error))
        return self._tls


class _Handler:
    """What the library asks at each step."""

    def __init__(self, listener: MailListener) -> None:
        self._listener = listener
        self.recipients: list[Recipient] = []
        self.is_taking = False

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.recipients = []
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(self.recipients) >= RECIPIENTS:
            return _TOO_MANY
        found = await self._listener.taker.recipient(address)
        if isinstance(found, str):
            return found
        self.recipients.append(found)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.recipients = []
        return "250 2.0.0 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        recipients, self.recipients = self.recipients, []
        content = envelope.original_content or b""
        sender = (envelope.mail_from or "").strip("<>")
        self.is_taking = True
        try:
            # A client that goes away does not end what is under way: it may be committed already.
            return await asyncio.shield(self._listener.taker.take(recipients, sender, content))
        finally:
            self.is_taking = False

    async def handle_exception(self, error: Exception) -> str:
        log.error("failed to take a mail", error=type(error).__name__, exc_info=error)
        return FAULT


class _Connection(SMTP):
    line_length_limit = _LINE_BYTES

    def __init__(self, listener: MailListener) -> None:
        self._listener = listener
        self._handler = _Handler(listener)
        self._host = ""
        self._is_admitted: bool | None = None
        self._end: asyncio.TimerHandle | None = None
        super().__init__(
            self._handler,
            data_size_limit=listener.size_limit,
            enable_SMTPUTF8=True,
            hostname=listener.taker.domain,
            ident="ESMTP Tocsin",
            tls_context=listener.tls(),
            timeout=listener.command_seconds,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            command_call_limit=_COMMANDS,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._is_admitted is None:
            peer = transport.get_extra_info("peername")
            self._host = peer[0] if isinstance(peer, tuple) else ""
            self._is_admitted = self._listener.admit(self, self._host)
            if not self._is_admitted:
                refused = cast(asyncio.WriteTransport, transport)
                refused.write(_BUSY)
                refused.close()
                return
            loop = asyncio.get_running_loop()
            self._end = loop.call_later(self._listener.session_seconds, transport.abort)  # type: ignore[attr-defined]
        # Once more after STARTTLS.
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_admitted:
            return
        self._listener.forget(self, self._host)
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._is_admitted:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self._is_admitted else None

    async def push(self, status: AnyStr) -> None:
        if str(status).startswith("552 ") and self._handler.recipients:
            recipients, self._handler.recipients = self._handler.recipients, []
            await self._listener.taker.note_too_large(recipients, self._listener.size_limit)
        await super().push(status)

    @property
    def is_taking(self) -> bool:
        """Whether a mail is being committed."""
        return self._handler.is_taking

    def end(self) -> None:
        """What is answered already is sent before."""
        if self.transport is not None:
            self.transport.close()
