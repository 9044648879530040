"""One connection to a receiver: a request goes out, its answer is read, then the next.

HTTP/1.1, and no more of it than the way out needs. Answers are taken apart by llhttp (httptools), as
lenient as browsers are. Whatever a receiver does, an exchange ends: it is bounded in time and in bytes,
with those that frame an answer. A connection serves again only if the answer before came whole and
nothing came after it; what nobody asked for is never taken for an answer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import cast

import httptools

from tocsin.delivery.outbound.answer import Answer
from tocsin.delivery.outbound.urls import ParsedUrl

FRAMING_LIMIT = 65_536
"""Bytes of an answer beside those of its body that are read: head, sizes of chunks, trailers."""
_READ_AT_ONCE = 16_384
"""Bytes of a request that a receiver reads before it refuses it, most likely."""


class ConnectionLost(ConnectionError):
    """It ended before its answer did. `unheard`: before a byte of that had come."""

    def __init__(self, *, unheard: bool) -> None:
        super().__init__("connection lost")
        self.unheard = unheard


class Unreadable(Exception):
    """What came is no answer in HTTP/1.1."""


def request(method: str, url: ParsedUrl, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A request as it goes out.

    Raises:
        ValueError: a header holds what would end its line, or what cannot be encoded.
    """
    lines = [f"{method} {url.target} HTTP/1.1", f"Host: {url.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    ends = len(lines) + 1
    if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
        raise ValueError("a header holds what would end its line")
    return head.encode() + (body or b"")


class OutgoingConnection(asyncio.Protocol):
    """For one exchange at a time. `is_reusable` says after an exchange whether it may serve another;
    where it may not, it is closed already."""

    def __init__(self, answer_limit: int) -> None:
        self.is_open = False
        self.is_reusable = False
        self.idle_since = 0.0
        self._answer_limit = answer_limit
        self._answered: asyncio.Future[Answer] | None = None
        self._asked = self._heard = 0
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self.on_message_begin()

    async def exchange(self, request: bytes, seconds: float) -> Answer:
        """Send a request and read its answer, within so many seconds.

        Raises:
            TimeoutError: no whole answer came in time.
            ConnectionLost: the other side ended the connection.
            Unreadable: it does not speak HTTP/1.1.
            ssl.SSLError: it ended the connection by a word of TLS.
        """
        if not self.is_open:
            raise ConnectionLost(unheard=True)
        loop = asyncio.get_running_loop()
        self._answered = loop.create_future()
        self._asked, self._heard = len(request), 0
        # The head of the answer before says nothing of this one, of which none may come.
        self._has_head = False
        self.is_reusable = False
        timer = loop.call_later(seconds, self._fail, TimeoutError())
        self._transport.write(request)
        try:
            return await self._answered
        except BaseException:
            # Answered or not: nobody is left who would keep it.
            self.is_reusable = False
            raise
        finally:
            timer.cancel()
            self._answered = None
            if not self.is_reusable:
                self.abort()

    def abort(self) -> None:
        """Close it at once."""
        self.is_open = False
        self._transport.abort()

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        if self._answered is None:
            self.abort()
            return
        self._heard += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(Unreadable())
            return
        if len(self._body) > self._answer_limit or self._heard > self._most:
            self._end(whole=False)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._has_head and not self._is_framed and error is None:
            self._end(whole=True)
        elif isinstance(error, ssl.SSLError):
            self._fail(error)
        else:
            self._fail(ConnectionLost(unheard=not self._heard))
        self.is_reusable = False

    # What the parser says

    def on_message_begin(self) -> None:
        # Whatever begins after an answer makes the connection useless, for nobody asked for it.
        self.is_reusable = False
        self._has_head = False
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # what comes later is a trailer
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, data: bytes) -> None:
        if len(self._body) <= self._answer_limit:
            self._body += data

    def on_message_complete(self) -> None:
        # What is below that only announces the answer (100 Continue, 103 Early Hints).
        if self._parser.get_status_code() >= 200:
            self._end(whole=True)
        else:
            self._has_head = False

    # How an exchange ends

    @property
    def _most(self) -> int:
        return self._answer_limit + FRAMING_LIMIT

    @property
    def _is_framed(self) -> bool:
        """Whether the head says where the body ends; else it does with the connection."""
        coding = self._headers.get("transfer-encoding")
        if coding is None:
            return "content-length" in self._headers
        return coding.rstrip().lower().endswith("chunked")

    def _is_read(self, status: int) -> bool:
        """Whether the receiver has most likely read the request, so that it does not take the rest of it
        for the next. It may answer before; what TLS or the kernel hold back, nobody tells us."""
        is_sent = self._transport.get_write_buffer_size() == 0
        return is_sent and (status < 400 or self._asked <= _READ_AT_ONCE)

    def _is_doubtful(self, status: int) -> bool:
        """Whether the head may mean another end than the one it was read to (RFC 9112, section 6.3):
        a length and chunks, or no body and yet the length of one."""
        headers, has_none = self._headers, status in (204, 304)
        if "transfer-encoding" in headers:
            return has_none or "content-length" in headers
        return has_none and headers.get("content-length", "0") != "0"

    def _end(self, *, whole: bool) -> None:
        answered = self._answered
        if answered is None or answered.done():
            return
        if not self._has_head:
            self._fail(Unreadable())
            return
        body, limit = self._body, self._answer_limit
        status = self._parser.get_status_code()
        self.is_reusable = (
            whole
            and self._parser.should_keep_alive()
            and self._is_read(status)
            and not self._is_doubtful(status)
        )
        answered.set_result(
            Answer(
                status,
                self._headers,
                bytes(body[:limit]),
                complete=whole and len(body) <= limit,
            )
        )

    def _fail(self, error: Exception) -> None:
        self.is_reusable = False
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)
