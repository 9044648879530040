"""Connections that are used again, and receivers that make it hard to tell whose answer that was."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery.outbound import test_exchange
from tests.support import certificates
from tocsin.delivery.outbound import AddressPolicy, Answer, NoAnswer, Outbound
from tocsin.delivery.outbound.exchange import OutgoingConnection

LOCAL = AddressPolicy.of([ip_network("127.0.0.0/8")])
ANSWERS = {
    "by length": b"HTTP/1.1 200 OK\r\nX-To: %d\r\nContent-Length: 2\r\n\r\nok",
    "in chunks": b"HTTP/1.1 202 OK\r\nX-To: %d\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nok\r\n0\r\n\r\n",
    "without a body": b"HTTP/1.1 204 No Content\r\nX-To: %d\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nX-To: %d\r\n\r\n",
    "long": b"HTTP/1.1 200 OK\r\nX-To: %d\r\nContent-Length: 9000\r\n\r\n" + b"o" * 9_000,
    "announced": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nX-To: %d\r\n\r\n",
    "with a body that it has not": b"HTTP/1.1 204 No Content\r\nX-To: %d\r\nContent-Length: 2\r\n\r\nok",
    "by length and in chunks": b"HTTP/1.1 200 OK\r\nX-To: %d\r\nContent-Length: 12\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}
"""Whole ones; each names the request that it answers."""
FOLLOWED = ANSWERS["by length"] + b"HTTP/1.1 204 Again\r\nX-To: -1\r\n\r\n"
ENDED = b"HTTP/1.1 201 Created\r\nX-To: %d\r\n\r\nok"
"""It is whole once the connection ends."""
NO_ANSWERS = (
    b"",
    b"",
    b"HT",
    b"HTTP/1.1 200 OK\r\nX-To: %d\r\nContent-Len",
    b"HTTP/1.1 200 OK\r\nX-To: %d\r\nContent-Length: 2\r\n\r\no",
    b"HTTP/1.1 103 Early Hints\r\nX-To: %d\r\n\r\n",
    b"\0\0\0%d",
)


@dataclass(frozen=True)
class Reaction:
    """What a receiver does about one request: it says this in so many pieces, and stays or ends the
    connection, decently or by a reset."""

    said: bytes
    pieces: int = 1
    end: str = "stays"

    @property
    def is_answer(self) -> bool:
        is_whole = self.said in ANSWERS.values() or self.said == FOLLOWED
        return is_whole or (self.said == ENDED and self.end == "closes")


@dataclass
class Receiver:
    reactions: list[Reaction]
    url: str = ""
    connections: int = 0
    said: dict[int, list[Reaction]] = field(default_factory=dict)
    """By number of the request, each time that it came."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])
                number = int(await reader.readexactly(length))
                left = self.reactions
                reaction = left.pop(0) if left else Reaction(ANSWERS["by length"])
                self.said.setdefault(number, []).append(reaction)
                text = reaction.said % number if b"%d" in reaction.said else reaction.said
                size = len(text) // reaction.pieces + 1
                for begin in range(0, len(text), size):
                    writer.write(text[begin : begin + size])
                    await asyncio.sleep(0)
                if reaction.end == "resets":
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, linger
                    )
                if reaction.end != "stays":
                    break
        writer.close()


@asynccontextmanager
async def receiver(*reactions: Reaction) -> AsyncIterator[Receiver]:
    it = Receiver(list(reactions))
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield it
    finally:
        server.close()


async def posted(it: Receiver, count: int) -> list[Answer | NoAnswer]:
    async with Outbound(LOCAL, timeout=5.0) as out:
        return [await out.post(it.url, b"%d" % number) for number in range(count)]


FIRST = ["by length", "in chunks", "without a body", "not modified", "announced"]


@pytest.mark.parametrize("end", ["closes", "resets"])
@pytest.mark.parametrize("first", FIRST)
async def test_the_answer_before_is_not_taken_for_one(first: str, end: str) -> None:
    """The receiver hangs up on the second request without a word: it has not taken it."""
    refuses = Reaction(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    async with receiver(Reaction(ANSWERS[first]), Reaction(b"", end=end), refuses) as it:
        before, after = await posted(it, 2)

    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    assert after.status == 500
    assert (len(it.said[1]), it.connections) == (2, 2)


async def test_a_request_is_sent_once_more_and_not_more_often() -> None:
    hangs_up = Reaction(b"", end="closes")
    async with receiver(Reaction(ANSWERS["without a body"]), hangs_up, hangs_up) as it:
        _, after = await posted(it, 2)

    assert isinstance(after, NoAnswer)
    assert after.code == "connection-lost"
    assert len(it.said[1]) == 2


async def test_on_a_new_connection_it_is_sent_once() -> None:
    async with receiver(Reaction(b"", end="closes")) as it:
        (reply,) = await posted(it, 1)

    assert isinstance(reply, NoAnswer)
    assert len(it.said[0]) == 1


reactions = st.one_of(
    st.builds(
        Reaction,
        st.sampled_from(list(ANSWERS.values())),
        st.integers(1, 4),
        st.sampled_from(["stays", "stays", "closes", "resets"]),
    ),
    # In one piece: what comes after the next request is its answer, for all that anybody can tell.
    st.just(Reaction(FOLLOWED)),
    st.builds(
        Reaction,
        st.sampled_from([*NO_ANSWERS, ENDED]),
        st.integers(1, 3),
        st.sampled_from(["closes", "closes", "resets"]),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(reactions, min_size=2, max_size=10))
def test_every_answer_is_to_its_own_request(story: list[Reaction]) -> None:
    async def tell() -> None:
        async with receiver(*story) as it:
            replies = await posted(it, 6)
        for number, reply in enumerate(replies):
            *before, last = it.said[number]
            # Only where nothing was said does it come again, and once.
            assert [each.said for each in before] in ([], [b""])
            if isinstance(reply, Answer):
                assert reply.headers["x-to"] == str(number)
                assert b"X-To: %d" in last.said
            if last.end != "resets":
                assert isinstance(reply, Answer) == last.is_answer

    asyncio.run(tell())


async def test_whoever_gives_up_just_as_the_answer_comes_leaves_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = OutgoingConnection._end

    def end_and_cancel(connection: OutgoingConnection, *, whole: bool) -> None:
        end(connection, whole=whole)
        asking.cancel()

    monkeypatch.setattr(OutgoingConnection, "_end", end_and_cancel)
    async with test_exchange.place(test_exchange.OK) as it, test_exchange.outbound() as out:
        asking = asyncio.create_task(out.post(it.url, b""))
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(5):
            await it.closed.wait()


@pytest.mark.parametrize(("is_tls", "size"), [(False, 100_000), (True, 100_000), (True, 9_000_000)])
async def test_a_request_that_was_refused_before_it_was_read_ends_the_connection(
    is_tls: bool, size: int
) -> None:
    """What of it is still on its way, the receiver would take for the next."""
    connections: Counter[str] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections["made"] += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            await reader.read()
        writer.close()

    tls = certificates.server() if is_tls else None
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    url = f"{'https' if is_tls else 'http'}://127.0.0.1:{port}/"
    async with Outbound(LOCAL, timeout=3.0, ssl_context=certificates.client()) as out:
        replies = [await out.post(url, bytes(size)) for _ in range(2)]
    server.close()

    assert [isinstance(each, Answer) and each.status for each in replies] == [413, 413]
    assert connections["made"] == 2


Story = Callable[[], Awaitable[None]]
ON_UVLOOP: dict[str, Story] = {
    **{
        f"an answer {name}": lambda answer=answer: (
            test_exchange.test_an_answer_is_read_however_it_is_framed_and_its_connection_serves_again(
                answer
            )
        )
        for name, answer in test_exchange.FRAMES.items()
    },
    **{
        f"no answer: {name}": lambda given=given: test_exchange.test_this_is_no_answer(*given)
        for name, given in test_exchange.NO_ANSWERS.items()
    },
    **{
        f"hung up on after one {first}": lambda first=first: (
            test_the_answer_before_is_not_taken_for_one(first, "closes")
        )
        for first in FIRST
    },
    "ended": lambda: test_exchange.test_an_answer_may_end_with_its_connection(""),
    "given up": test_exchange.test_who_gives_up_waiting_ends_the_connection,
    "early": test_exchange.test_an_answer_before_the_whole_request_ends_the_connection,
    "refused": lambda: test_a_request_that_was_refused_before_it_was_read_ends_the_connection(
        True, 100_000
    ),
    "unasked": test_exchange.test_what_nobody_asked_for_is_not_the_answer_to_the_next,
}
"""The suite runs on asyncio's own loop, the program on this one."""


@pytest.mark.parametrize("story", ON_UVLOOP.values(), ids=ON_UVLOOP.keys())
def test_it_is_so_under_uvloop(story: Story) -> None:
    async def tell() -> None:
        async with asyncio.timeout(20):
            await story()

    uvloop.run(tell())
