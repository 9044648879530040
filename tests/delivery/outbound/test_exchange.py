"""Answers as receivers really give them, byte for byte, and what they might try."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from tests.support import receivers
from tocsin.delivery.outbound import AddressPolicy, Answer, NoAnswer, Outbound, connections
from tocsin.delivery.outbound.exchange import FRAMING_LIMIT
from tocsin.delivery.outbound.urls import Origin


@dataclass
class Place:
    url: str
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection has ended."""


@asynccontextmanager
async def place(*answers: bytes, then_close: bool = False) -> AsyncIterator[Place]:
    """Gives one answer after the other, as they are, to one request each."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        it.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                it.heads.append(head)
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
                await reader.readexactly(int(length or 0))
                writer.write(left.pop(0))
                await writer.drain()
                if then_close:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            it.closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    it = Place(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=%2F")
    try:
        yield it
    finally:
        server.close()


def outbound(timeout: float = 5.0) -> Outbound:
    return Outbound(AddressPolicy.of([ip_network("127.0.0.0/8")]), timeout=timeout)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FRAMES = {
    "by length": OK,
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    "in chunks, with a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nok\r\n0\r\nRetry-After: 9\r\n\r\n",
    "announced": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
    + OK,
    "with lines that end in LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
}


@pytest.mark.parametrize("answer", FRAMES.values(), ids=FRAMES.keys())
async def test_an_answer_is_read_however_it_is_framed_and_its_connection_serves_again(
    answer: bytes,
) -> None:
    async with place(answer, OK) as it, outbound() as out:
        replies = [await out.post(it.url, b"{}"), await out.post(it.url, b"{}")]

    assert replies == [
        Answer(200, headers, b"ok") for headers in [replies[0].headers, {"content-length": "2"}]
    ]
    assert "retry-after" not in replies[0].headers
    assert it.connections == 1


@pytest.mark.parametrize("coding", ["", "Transfer-Encoding: identity", "Transfer-Encoding: gzip"])
async def test_an_answer_may_end_with_its_connection(coding: str) -> None:
    answer = f"HTTP/1.0 200 OK\r\n{coding}\r\n\r\nok" if coding else "HTTP/1.0 200 OK\r\n\r\nok"
    async with place(answer.encode(), then_close=True) as it, outbound() as out:
        reply = await out.post(it.url, b"{}")

    assert isinstance(reply, Answer)
    assert (reply.status, reply.body, reply.complete) == (200, b"ok", True)


async def test_an_answer_without_a_body_leaves_its_connection_open() -> None:
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with place(empty, OK) as it, outbound() as out:
        replies = [await out.post(it.url, b"{}"), await out.post(it.url, b"{}")]

    assert [reply.status for reply in replies] == [204, 200]
    assert it.connections == 1


LAST = {
    "says so": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "is of HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "gives a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "is followed by another": OK + OK,
    "is followed by the beginning of another": OK + b"HT",
    "is followed by something else": OK + b"\0\0\0",
}


@pytest.mark.parametrize("answer", LAST.values(), ids=LAST.keys())
async def test_a_connection_serves_no_more_after_an_answer_that(answer: bytes) -> None:
    other = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    async with place(answer, other) as it, outbound() as out:
        replies = [await out.post(it.url, b"{}"), await out.post(it.url, b"{}")]

    assert [reply.status for reply in replies] == [200, 202]
    assert it.connections == 2


async def test_what_nobody_asked_for_is_not_the_answer_to_the_next() -> None:
    idle, hung_up = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await idle.wait()
        writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        hung_up.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with outbound() as out:
        await out.post(f"http://127.0.0.1:{port}/", b"")
        idle.set()
        async with asyncio.timeout(5):
            await hung_up.wait()
        assert out._connections.idle(Origin("http", "127.0.0.1", port)) is None
    server.close()


TOO_MUCH = {
    "a head": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * FRAMING_LIMIT,
    "one header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 4 * FRAMING_LIMIT,
    "what announces it": b"HTTP/1.1 103 Early Hints\r\n\r\n" * FRAMING_LIMIT,
}


@pytest.mark.parametrize("answer", TOO_MUCH.values(), ids=TOO_MUCH.keys())
async def test_an_endless_head_is_not_read(answer: bytes) -> None:
    async with place(answer) as it, outbound() as out:
        reply = await out.post(it.url, b"{}")
        async with asyncio.timeout(5):
            await it.closed.wait()

    assert isinstance(reply, NoAnswer)
    assert reply.code == "answer-unreadable"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "chunks of one byte": CHUNKED + b"1\r\na\r\n" * FRAMING_LIMIT,
    "trailers": CHUNKED + b"1\r\na\r\n0\r\n" + b"X: " + b"a" * 4 * FRAMING_LIMIT,
    "an extension of a chunk": CHUNKED + b"1\r\na\r\n1;" + b"a" * 4 * FRAMING_LIMIT,
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS.keys())
async def test_of_an_endless_body_the_beginning_is_read(answer: bytes) -> None:
    async with place(answer) as it, outbound() as out:
        reply = await out.post(it.url, b"{}")
        async with asyncio.timeout(5):
            await it.closed.wait()

    assert isinstance(reply, Answer)
    assert (reply.status, reply.complete) == (200, False)
    assert reply.body.startswith(b"a")
    assert len(reply.body) <= 4_096


NO_ANSWERS = {
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "answer-unreadable",
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "answer-unreadable",
    ),
    "a length that is none": (
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        "answer-unreadable",
    ),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", "answer-unreadable"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", "connection-lost"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "connection-lost"),
    "an announcement": (b"HTTP/1.1 100 Continue\r\n\r\n", "connection-lost"),
}


@pytest.mark.parametrize(("answer", "code"), NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
async def test_this_is_no_answer(answer: bytes, code: str) -> None:
    async with place(answer, then_close=True) as it, outbound() as out:
        reply = await out.post(it.url, b"{}")

    assert isinstance(reply, NoAnswer)
    assert reply.code == code
    assert it.connections == 1


async def test_an_answer_before_the_whole_request_ends_the_connection() -> None:
    """Else the receiver would take the rest of it for the next request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(20_000_000)
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1_024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with outbound() as out:
        reply = await out.post(url, bytes(20_000_000))
        async with asyncio.timeout(5):
            await ended.wait()
    server.close()

    assert reply.status == 413


async def test_who_gives_up_waiting_ends_the_connection() -> None:
    gone = asyncio.Event()
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with outbound() as out, asyncio.timeout(5):
        waiting = asyncio.create_task(out.post(url, b""))
        await asked.wait()
        waiting.cancel()
        await gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    server.close()


async def test_an_idle_connection_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)
    async with place(OK) as it, outbound() as out:
        await out.post(it.url, b"")
        async with asyncio.timeout(5):
            await it.closed.wait()
        assert not out._connections._idle


async def test_all_connections_end_with_the_way_out() -> None:
    async with place(OK) as it:
        async with outbound() as out:
            await out.post(it.url, b"")
            assert not it.closed.is_set()
        async with asyncio.timeout(5):
            await it.closed.wait()


async def test_several_requests_at_once_have_connections_of_their_own() -> None:
    async with receivers.http(receivers.answer(200, "ok")) as it, outbound() as out:
        replies = await asyncio.gather(*[out.post(it.url, b"%d" % n) for n in range(20)])

    assert {reply.status for reply in replies} == {200}
    assert sorted(int(each.body) for each in it.received) == list(range(20))


async def test_a_request_is_what_a_receiver_expects() -> None:
    async with place(OK, OK) as it, outbound() as out:
        await out.post(it.url, b"{}", {"Content-Type": "application/json", "X-Name": "Zoë"})
        await out.get(it.url)

    host = it.url.split("/")[2]
    assert it.heads[0].decode() == (
        "POST /hook?a=%2F HTTP/1.1\r\n"
        f"Host: {host}\r\n"
        "User-Agent: Tocsin/1.0\r\n"
        "Accept: */*\r\n"
        "Accept-Encoding: identity\r\n"
        "Content-Type: application/json\r\n"
        "X-Name: Zoë\r\n"
        "Content-Length: 2\r\n\r\n"
    )
    assert it.heads[1].startswith(b"GET /hook?a=%2F HTTP/1.1\r\n")
    assert b"Content-Length" not in it.heads[1]
