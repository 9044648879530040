"""Requests that are offered whole to who may take them at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tests.web.speaker import Speaker, everything, everything_before_cut, in_a_thread
from tocsin.web.protocol import Answer, Protocol


class Taker(Speaker):
    """Takes what is posted to /taken, and answers it in a later turn of the loop, with the number of
    bytes; /slow waits for the gate, and /now for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self.offered: Any = None
        self.config: Any = None
        self.ended = threading.Event()
        """A stream has."""
        self.tasks: list[asyncio.Task[None]] = []

    def at_once(
        self,
        method: bytes,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        answer: Answer,
    ) -> bool:
        if target not in (b"/taken", b"/slow", b"/now"):
            return False
        self.taken += 1
        self.offered = method, target, headers
        text = b"taken %d" % len(body)
        if target == b"/now":
            answer(200, b"x-now: yes\r\n", text)
        else:
            self.tasks.append(asyncio.create_task(self._answer(target == b"/slow", text, answer)))
        return True

    async def _answer(self, is_slow: bool, text: bytes, answer: Answer) -> None:
        if is_slow:
            await asyncio.to_thread(self.gate.wait, 20)
        answer(200, b"", text)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["at_once"] = self.at_once
            for what in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{what}.complete"})
        elif scope["path"] == "/stream":
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            assert (await receive())["type"] == "http.disconnect"
            self.ended.set()
        else:
            await super().app(scope, receive, send)


@pytest.fixture
def taker() -> Iterator[Taker]:
    running = Taker()
    listener = socket.create_server(("127.0.0.1", 0))
    running.port = listener.getsockname()[1]
    running.config = uvicorn.Config(
        running.app,
        http=Protocol,
        interface="asgi3",
        proxy_headers=False,
        lifespan="on",
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
    )
    with in_a_thread(uvicorn.Server(running.config), listener, running.gate):
        yield running


def post(path: str, body: bytes = b"", *lines: bytes) -> bytes:
    head = [b"POST %b HTTP/1.1" % path.encode(), b"host: x", b"content-length: %d" % len(body)]
    return b"\r\n".join((*head, *lines, b"", body))


CLOSE = b"connection: close"


def test_what_is_here_whole_is_taken_and_answered_in_one_piece(taker: Taker) -> None:
    assert taker.heard(post("/taken", b"four", CLOSE)) == (
        b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\ntaken 4"
    )
    assert (taker.taken, taker.count) == (1, 0)


def test_what_is_not_taken_goes_the_ordinary_road(taker: Taker) -> None:
    assert taker.heard(post("/other", b"four", CLOSE)).endswith(b"\r\n\r\n4")
    assert (taker.taken, taker.count) == (0, 1)


@pytest.mark.parametrize("cut", [-3, -1])
def test_so_does_one_that_comes_in_pieces(taker: Taker, cut: int) -> None:
    whole = post("/taken", b"four", CLOSE)
    assert taker.heard(whole[:cut], whole[cut:], pause=0.05).endswith(b"\r\n\r\n4")
    assert (taker.taken, taker.count) == (0, 1)


def test_so_does_one_that_waits_to_be_told_to_go_on(taker: Taker) -> None:
    heard = taker.heard(post("/taken", b"four", b"expect: 100-continue", CLOSE))
    assert heard.startswith(b"HTTP/1.1 100 ")
    assert heard.endswith(b"\r\n\r\n4")


def test_one_without_a_host_is_refused(taker: Taker) -> None:
    asked = b"POST /taken HTTP/1.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    assert taker.heard(asked).startswith(b"HTTP/1.1 400 ")
    assert taker.taken == 0


def test_of_many_at_once_each_is_answered_in_its_turn(taker: Taker) -> None:
    paths = ["/taken", "/other", "/taken", "/taken", "/other", "/other", "/taken"] * 20
    asked = [post(path, b"x" * size) for size, path in enumerate(paths)]
    heard = taker.heard(b"".join(asked) + post("/taken", b"", CLOSE))
    bodies = [part.partition(b"\r\n\r\n")[2] for part in heard.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    sizes = [int(body.removeprefix(b"taken ")) for body in bodies]
    assert sizes == [*range(len(paths)), 0]


def test_what_comes_after_one_that_takes_its_time_waits(taker: Taker) -> None:
    with taker.connect() as connection:
        connection.sendall(post("/slow") + post("/taken") + post("/other", b"", CLOSE))
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        taker.gate.set()
        connection.settimeout(20)
        heard = everything(connection)
    assert heard.count(b"HTTP/1.1 200 OK") == 3
    assert (taker.taken, taker.count) == (1, 2)


def test_whoever_has_gone_is_not_answered(taker: Taker) -> None:
    with taker.connect() as connection:
        connection.sendall(post("/slow"))
    taker.gate.set()
    assert taker.heard(post("/taken", b"", CLOSE)).endswith(b"taken 0")


@pytest.mark.parametrize("path", ["/slow", "/wait"])
def test_who_has_said_all_and_still_listens_is_answered(taker: Taker, path: str) -> None:
    with taker.connect() as connection:
        connection.sendall(post(path, b"four") + post("/taken", b"12") + post("/other", b"1"))
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        taker.gate.set()
        connection.settimeout(20)
        heard = everything(connection)
    assert heard.count(b"HTTP/1.1 200 OK") == 3
    assert heard.endswith(b"\r\n\r\n1")


@pytest.mark.parametrize("path", ["/taken", "/other", "/now"])
def test_so_is_who_is_answered_in_the_same_turn(taker: Taker, path: str) -> None:
    for _ in range(10):
        with taker.connect() as connection:
            connection.sendall(post(path, b"four"))
            connection.shutdown(socket.SHUT_WR)
            assert everything(connection).endswith(b"4")


@pytest.mark.parametrize("said", [post("/taken", b"four")[:-1], post("/other", b"four")[:20], b""])
def test_who_has_not_said_all_is_not(taker: Taker, said: bytes) -> None:
    with taker.connect() as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b""
    assert taker.taken == 0


def test_a_stream_ends_with_who_listened(taker: Taker) -> None:
    with taker.connect() as connection:
        connection.sendall(post("/stream"))
        while b"begun" not in connection.recv(1_000):
            pass
    assert taker.ended.wait(20)


def test_http_1_0_is_answered_and_closed(taker: Taker) -> None:
    heard = taker.heard(b"POST /taken HTTP/1.0\r\ncontent-length: 2\r\n\r\nok")
    assert heard.endswith(b"connection: close\r\n\r\ntaken 2")


def test_one_after_another_on_one_connection(taker: Taker) -> None:
    with taker.connect() as connection:
        for path in ("/taken", "/taken", "/other", "/taken"):
            connection.sendall(post(path, b"four"))
            heard = b""
            while not heard.endswith(b"4"):
                heard += connection.recv(1_000)
            assert heard.startswith(b"HTTP/1.1 200 OK")
    assert (taker.taken, taker.count) == (3, 1)


def test_it_is_offered_as_it_was_sent(taker: Taker) -> None:
    asked = (
        b"PUT /taken HTTP/1.1\r\nHost: x\r\nX-Odd: \xe9 a,b\r\nX-Odd: c\r\nContent-Length: 3\r\n"
    )
    assert taker.heard(asked + CLOSE + b"\r\n\r\nabc").endswith(b"taken 3")
    method, target, headers = taker.offered
    assert (method, target) == (b"PUT", b"/taken")
    assert headers == [
        (b"host", b"x"),
        (b"x-odd", b"\xe9 a,b"),
        (b"x-odd", b"c"),
        (b"content-length", b"3"),
        (b"connection", b"close"),
    ]


def test_a_body_in_chunks_is_offered_whole(taker: Taker) -> None:
    head = b"POST /taken HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    assert taker.heard(head + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n").endswith(b"taken 7")
    assert (taker.taken, taker.count) == (1, 0)
    assert taker.heard(head + b"3\r\nabc\r\n4\r\nde", b"fg\r\n0\r\n\r\n", pause=0.05).endswith(b"7")
    assert (taker.taken, taker.count) == (1, 1)


def test_a_trailer_is_not_offered(taker: Taker) -> None:
    head = b"POST /taken HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    heard = taker.heard(head + b"3\r\nabc\r\n0\r\nx-forwarded-for: 127.0.0.1\r\n\r\n")
    assert heard.endswith(b"taken 3")
    assert [name for name, _ in taker.offered[2]] == [b"host", b"transfer-encoding", b"connection"]


NO_REQUESTS = {
    "nothing readable": b"\0\0\0",
    "a proxy's": b"CONNECT x:443 HTTP/1.1\r\nhost: x:443\r\n\r\n",
    "one with two lengths": post("/x", b"", b"content-length: 2"),
    "a chunk without a size": b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nz\r\n",
}


@pytest.mark.parametrize("path", ["/slow", "/wait"])
def test_what_is_no_request_is_refused_after_the_answer_to_the_one_before(
    taker: Taker, path: str
) -> None:
    for count, (what, said) in enumerate(NO_REQUESTS.items(), start=1):
        taker.gate.clear()
        with taker.connect() as connection:
            connection.sendall(post(path, b"four") + said)
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            taker.gate.set()
            connection.settimeout(20)
            heard = everything(connection)
        assert heard.startswith(b"HTTP/1.1 200 OK\r\n"), what
        assert heard.count(b"HTTP/1.1 400 ") == 1, what
        assert taker.taken + taker.count == count, what


def test_so_is_a_head_without_an_end(taker: Taker) -> None:
    with taker.connect() as connection:
        connection.sendall(post("/slow", b"four") + b"POST /x HTTP/1.1\r\nhost: x\r\n")
        connection.settimeout(0.2)
        # More than is read at once; what is refused is not read to its end.
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(12):
                connection.sendall(b"x-fill: " + b"y" * 60_000 + b"\r\n")
                time.sleep(0.01)
        taker.gate.set()
        connection.settimeout(20)
        heard = everything_before_cut(connection)
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.count(b"HTTP/1.1 431 ") == 1


def test_what_is_answered_while_it_is_offered_leaves_the_next_to_be_read(taker: Taker) -> None:
    with taker.connect() as connection:
        begun = post("/other", b"four", CLOSE)
        connection.sendall(post("/now", b"12") + begun[:20])
        heard = b""
        while not heard.endswith(b"taken 2"):
            heard += connection.recv(1_000)
        assert b"\r\nx-now: yes\r\n" in heard
        connection.sendall(begun[20:])
        assert everything(connection).endswith(b"\r\n\r\n4")


def test_a_connection_rests_for_some_seconds_after_its_last_answer(taker: Taker) -> None:
    taker.config.timeout_keep_alive = 0.6
    with taker.connect() as connection:
        for path in ("/taken", "/other"):
            connection.sendall(post(path, b"four"))
            while not connection.recv(1_000).endswith(b"4"):
                pass
            answered = time.monotonic()
            if path == "/taken":
                time.sleep(0.3)
        assert everything(connection) == b""
        assert time.monotonic() - answered > 0.5


def test_it_does_not_end_while_an_answer_is_made(taker: Taker) -> None:
    taker.config.timeout_keep_alive = 0.1
    with taker.connect() as connection:
        connection.sendall(post("/taken", b"four"))
        while not connection.recv(1_000).endswith(b"4"):
            pass
        connection.sendall(post("/slow", b"slow"))
        time.sleep(0.3)
        taker.gate.set()
        assert everything(connection).endswith(b"taken 4")
