from __future__ import annotations

import asyncio
import gzip
import itertools
import logging
import threading
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from tests.support import certificates, receivers
from tocsin.delivery.outbound import AddressPolicy, Answer, NoAnswer, Outbound, resolver


def outbound(*networks: str, **options: Any) -> Outbound:
    policy = AddressPolicy.of(ip_network(network) for network in networks)
    return Outbound(policy, ssl_context=certificates.client(), **options)


async def test_a_name_that_changes_its_mind_never_reaches_the_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """127.0.0.2 plays an allowed address, 127.0.0.1 the inside; the name alternates."""

    turns = itertools.cycle(["127.0.0.2", "127.0.0.1"])
    # Each connection is closed, so that each request looks the name up again.
    ok = receivers.answer(200, "ok", Connection="close")
    async with (
        receivers.http(ok, host="127.0.0.2") as outside,
        receivers.http(ok, host="127.0.0.1", port=outside.port) as inside,
        outbound("127.0.0.2/32", lookup=lambda _host: [next(turns)]) as out,
    ):
        monkeypatch.setattr(resolver, "KNOWN_SECONDS", 0.0)
        answers = [await out.post(f"http://rebind.test:{outside.port}/", b"{}") for _ in range(40)]

    assert not inside.received
    assert len(outside.received) == sum(isinstance(answer, Answer) for answer in answers) > 0
    blocked = [answer for answer in answers if isinstance(answer, NoAnswer)]
    assert {answer.code for answer in blocked} == {"address-blocked"}
    assert all(answer.is_blocked for answer in blocked)


async def test_a_name_with_both_kinds_of_address_goes_to_the_checked_one() -> None:
    ok = receivers.answer(200, "ok")
    async with (
        receivers.http(ok, host="127.0.0.2") as outside,
        receivers.http(ok, host="127.0.0.1", port=outside.port) as inside,
        outbound("127.0.0.2/32", lookup=lambda _host: ["127.0.0.1", "127.0.0.2"]) as out,
    ):
        assert isinstance(await out.post(f"http://both.test:{outside.port}/", b""), Answer)
        assert (len(outside.received), len(inside.received)) == (1, 0)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "localhost", "①27.0.0.1", "127.1"],
)
async def test_a_literal_address_does_not_pass_the_wall(host: str) -> None:
    async with receivers.http(receivers.answer()) as inside, outbound() as out:
        reply = await out.post(f"http://{host}:{inside.port}/", b"{}")
        hits = len(inside.received)

    assert hits == 0
    assert isinstance(reply, NoAnswer)
    assert reply.permanent or reply.is_blocked
    assert host not in reply.message


async def test_the_wall_stands_without_the_resolver() -> None:
    """Even an address that the resolver let through is refused at the socket."""

    async with (
        receivers.http(receivers.answer()) as inside,
        outbound(lookup=lambda _host: ["127.0.0.1"]) as out,
    ):
        out._connections._reachable = lambda _scheme, addresses: addresses  # type: ignore[method-assign]
        reply = await out.post(f"http://x.test:{inside.port}/", b"")
        hits = len(inside.received)

    assert hits == 0
    assert reply.code == "address-blocked"


async def test_clear_text_goes_to_allowed_networks_only() -> None:
    async with outbound(lookup=lambda _host: ["8.8.8.8"]) as out:
        reply = await out.post("http://public.test/", b"")

    assert reply.code == "address-blocked"
    assert "https://" in reply.message


async def test_tls_is_checked_against_the_name_and_host_is_the_name() -> None:
    async with (
        receivers.http(receivers.answer(200, "ok"), tls=certificates.server("hub.test")) as it,
        outbound("127.0.0.0/8", lookup=lambda _host: ["127.0.0.1"]) as out,
    ):
        right = await out.post(f"https://hub.test:{it.port}/a%2Fb?c=%2F", b"{}")
        wrong = await out.post(f"https://other.test:{it.port}/", b"{}")
        assert right.status == 200
        assert it.received[0].headers["Host"] == f"hub.test:{it.port}"
        received = it.received

    assert wrong.code == "tls-certificate"
    assert [each.path for each in received] == ["/a%2Fb?c=%2F"]


async def test_a_certificate_of_nobody_we_know_is_refused() -> None:
    async with (
        receivers.http(receivers.answer(), tls=certificates.server()) as it,
        Outbound(AddressPolicy.of([ip_network("127.0.0.0/8")])) as out,
    ):
        reply = await out.post(it.url, b"")

    assert reply.code == "tls-certificate"


async def test_a_redirect_is_an_answer_and_not_a_way() -> None:
    async with (
        receivers.http(receivers.answer(200)) as further,
        receivers.http(receivers.answer(307, Location=further.url)) as it,
        outbound("127.0.0.0/8") as out,
    ):
        reply, hits = await out.post(it.url, b"{}"), len(further.received)

    assert (reply.status, hits) == (307, 0)


async def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        receivers.http(receivers.answer(200)) as proxy,
        receivers.http(receivers.answer(200)) as it,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with outbound("127.0.0.0/8") as out:
            await out.post(it.url, b"{}")
        assert (len(proxy.received), len(it.received)) == (0, 1)


async def test_no_more_than_four_kibibytes_are_read_and_nothing_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except (ConnectionError, asyncio.CancelledError):
            return response

    async with (
        receivers.http(receivers.answer(200, bomb, Content_Encoding="gzip")) as packed,
        receivers.http(endless) as long,
        outbound("127.0.0.0/8") as out,
    ):
        small, large = await out.post(packed.url, b""), await out.post(long.url, b"")

    assert small.body == bomb[:4_096]
    assert len(large.body) == 4_096
    assert not large.complete


async def test_cookies_are_not_kept() -> None:
    async with (
        receivers.http(receivers.answer(200, Set_Cookie="a=b; Path=/")) as it,
        outbound("127.0.0.0/8", lookup=lambda _host: ["127.0.0.1"]) as out,
    ):
        # A name: cookies of bare addresses are never kept.
        await out.post(f"http://cookie.test:{it.port}/", b"")
        await out.post(f"http://cookie.test:{it.port}/", b"")
        received = it.received

    assert all("Cookie" not in each.headers for each in received)


async def test_time_is_limited_for_connecting_and_for_answering() -> None:
    def slow_name(_host: str) -> list[str]:
        import time

        time.sleep(0.5)
        return ["127.0.0.1"]

    async with receivers.raw(None) as port:
        async with outbound("127.0.0.0/8", timeout=0.2) as out:
            silent = await out.post(f"http://127.0.0.1:{port}/", b"")
        options = {"timeout": 5, "connect_timeout": 0.1, "lookup": slow_name}
        async with outbound("127.0.0.0/8", **options) as out:
            lost = await out.post(f"http://slow.test:{port}/", b"")
    silent, lost = [silent, lost]

    assert (silent.code, silent.permanent) == ("timeout", False)
    assert lost.code == "connect-timeout"


async def test_a_connection_that_died_idle_is_replaced_at_once() -> None:
    """The receiver hangs up on the second request of a connection, as one does whose keep-alive
    ran out just then."""

    seen = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with outbound("127.0.0.0/8") as out:
        replies = [await out.post(url, b""), await out.post(url, b"")]
    server.close()

    assert [reply.status for reply in replies] == [200, 200]
    assert seen == 2


async def test_userinfo_is_sent_as_authorization() -> None:
    async with receivers.http(receivers.answer()) as it, outbound("127.0.0.0/8") as out:
        await out.post(f"http://user:secret@127.0.0.1:{it.port}/x", b"")
        received = it.received[0]

    assert received.headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
    assert "@" not in received.path


async def test_nothing_that_goes_wrong_repeats_url_or_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async with (
        receivers.nobody() as closed,
        receivers.raw(b"\x00\x01 s3cr3t\r\n\r\n") as garbage,
        receivers.raw(b"") as hangs_up,
        outbound("127.0.0.0/8", lookup=_nothing) as out,
    ):
        replies = [
            await out.post(url, b"")
            for url in (
                f"http://127.0.0.1:{closed}/s3cr3t",
                f"http://127.0.0.1:{garbage}/s3cr3t",
                f"http://127.0.0.1:{hangs_up}/s3cr3t",
                f"https://127.0.0.1:{garbage}/s3cr3t",
                "https://nowhere.test/s3cr3t",
                "https://s3cr3t host/",
            )
        ]

    assert [reply.code for reply in replies] == [
        "connection-refused",
        "answer-unreadable",
        "connection-lost",
        "tls-failed",
        "name-not-found",
        "url-invalid",
    ]
    heard = repr(replies) + caplog.text
    assert "s3cr3t" not in heard
    assert "127.0.0.1" not in repr(replies)


def _nothing(_host: str) -> list[str]:
    raise OSError("no such name")


async def test_a_name_is_looked_up_once_for_all_who_ask_meanwhile() -> None:
    asked: list[str] = []

    def look_up(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    ok = receivers.answer(200, "ok", Connection="close")
    async with receivers.http(ok) as it, outbound("127.0.0.0/8", lookup=look_up) as out:
        url = f"http://many.test:{it.port}/"
        first = await asyncio.gather(*[out.post(url, b"") for _ in range(5)])
        again = await out.post(url, b"")

    assert {reply.status for reply in [*first, again]} == {200}
    assert asked == ["many.test"]


async def test_a_name_that_is_slow_is_looked_up_once_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver, "KNOWN_SECONDS", 0.0)
    asked: list[str] = []
    answers = threading.Event()

    def look_up(host: str) -> list[str]:
        asked.append(host)
        answers.wait(20)
        return ["127.0.0.1"]

    options: dict[str, Any] = {"lookup": look_up, "connect_timeout": 0.05}
    async with (
        receivers.http(receivers.answer(200, "ok")) as it,
        outbound("127.0.0.0/8", **options) as out,
    ):
        url = f"http://slow.test:{it.port}/"
        lost = [await out.post(url, b"") for _ in range(3)]
        first = list(asked)
        answers.set()
        found = await out.post(url, b"")

    assert {each.code for each in lost if isinstance(each, NoAnswer)} == {"connect-timeout"}
    assert first == ["slow.test"]
    assert isinstance(found, Answer)


async def test_a_name_that_was_not_found_is_looked_up_by_the_next() -> None:
    answers: list[list[str]] = [[], ["127.0.0.1"]]

    async with (
        receivers.http(receivers.answer(200, "ok")) as it,
        outbound("127.0.0.0/8", lookup=lambda _host: answers.pop(0)) as out,
    ):
        url = f"http://late.test:{it.port}/"
        lost, found = await out.post(url, b""), await out.post(url, b"")

    assert lost.code == "name-not-found"
    assert found.status == 200


async def test_a_header_that_would_end_its_line_is_not_sent() -> None:
    async with receivers.http(receivers.answer()) as it, outbound("127.0.0.0/8") as out:
        replies = [
            await out.post(it.url, b"", {"X-Token": f"a{ending}X-Other: b"})
            for ending in ("\r\n", "\n", "\r", "\0")
        ]

    assert [(reply.code, reply.permanent) for reply in replies] == [("header-invalid", True)] * 4
    assert not it.received


async def test_what_is_fetched_takes_the_same_way() -> None:
    ok = receivers.answer(200, "certificate")
    async with receivers.http(ok, host="127.0.0.2") as server:
        url = f"http://127.0.0.2:{server.port}/a.pem"
        async with outbound("127.0.0.2/32") as out:
            answer = await out.get(url)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.body) == (200, b"certificate")
        async with outbound() as out:
            refused = await out.get(url)
        assert isinstance(refused, NoAnswer)
        assert refused.code == "address-blocked"
        assert len(server.received) == 1
