from __future__ import annotations

import asyncio
import builtins
import importlib
import itertools
import logging
import os
import socket
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import certifi
import pytest
from aiohttp import web

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels import apprise as apprise_channel
from tocsin.delivery.channels.apprise import AppriseChannel, AppriseConfig
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit import apprise_library
from tocsin.delivery.channels.kit.stalls import SECONDS as STALL_SECONDS
from tocsin.delivery.channels.kit.stalls import Stalls
from tocsin.delivery.channels.registry import ValidConfig, split_secrets, validate_config
from tocsin.delivery.outbound import AddressPolicy, Outbound
from tocsin.delivery.outbound.sockets import guarded
from tocsin.delivery.outcome import Outcome, Retry, Sent, Standing
from tocsin.model import EventType

LOOPBACK = AddressPolicy.of([ip_network("127.0.0.0/8")])


async def send(
    urls: list[str],
    policy: AddressPolicy = LOOPBACK,
    progress: Any = None,
    timeout: float = 15.0,  # noqa: ASYNC109 - it is the outbound's
) -> Outcome:
    channel = AppriseChannel(Parts(Outbound(policy, timeout=timeout)))
    return await channel.send(
        samples.message(), AppriseConfig(urls=urls), samples.links_for, progress or {}
    )


async def test_a_name_that_changes_its_mind_never_reaches_the_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """127.0.0.2 plays an allowed address, 127.0.0.1 the inside; the name alternates."""
    turns = itertools.cycle(["127.0.0.2", "127.0.0.1"])
    genuine = socket.getaddrinfo

    def rebinding(host: Any, *more: Any, **options: Any) -> Any:
        return genuine(next(turns) if host == "rebind.test" else host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    policy = AddressPolicy.of([ip_network("127.0.0.2/32")])

    ok = receivers.answer(200)
    async with (
        receivers.http(ok, host="127.0.0.2") as outside,
        receivers.http(ok, host="127.0.0.1", port=outside.port) as inside,
    ):
        outcomes = [await send([f"json://rebind.test:{outside.port}/x"], policy) for _ in range(20)]

    assert not inside.received
    assert len(outside.received) == sum(isinstance(outcome, Sent) for outcome in outcomes) == 10
    refused = [outcome for outcome in outcomes if isinstance(outcome, Retry)]
    assert {(each.code, each.standing) for each in refused} == {
        ("address-blocked", Standing.MISCONFIGURED)
    }


@pytest.mark.parametrize("schema", ["json", "xml", "form", "gotify", "ntfy"])
async def test_nothing_inside_is_reached_by_any_schema(schema: str) -> None:
    async with receivers.http(receivers.answer(200)) as inside:
        url = f"{schema}://127.0.0.1:{inside.port}/AAAAAAAAAAAAAAA"
        outcome, hits = await send([url], AddressPolicy()), len(inside.received)

    assert hits == 0
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.standing) == ("address-blocked", Standing.MISCONFIGURED)


def test_the_guard_refuses_names_datagrams_paths_and_programs() -> None:
    with guarded(LOOPBACK, public=True) as watch, socket.socket(type=socket.SOCK_DGRAM) as udp:
        for attempt in (
            lambda: udp.sendto(b"x", ("10.0.0.1", 514)),
            lambda: udp.connect(("localhost", 9)),
            lambda: socket.socket(socket.AF_UNIX).connect("/run/dbus/system_bus_socket"),
            lambda: subprocess.run(["true"], check=True),
            lambda: builtins.__import__("os").system("true"),
        ):
            watch.blocked = False
            with pytest.raises(OSError, match=r"blocked|not a connection"):
                attempt()
            assert watch.blocked


def test_outside_the_guard_nothing_changes() -> None:
    with guarded(AddressPolicy(), public=True):
        pass
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", 9))
    subprocess.run(["true"], check=True)


async def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        receivers.http(receivers.answer(200)) as proxy,
        receivers.http(receivers.answer(200)) as it,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await send([f"json://127.0.0.1:{it.port}/x"])
        assert (len(proxy.received), len(it.received)) == (0, 1)


async def test_a_url_cannot_turn_redirects_back_on() -> None:
    """Even one that was stored before the option was refused."""

    async with (
        receivers.http(receivers.answer(200)) as further,
        receivers.http(receivers.answer(307, Location=further.url)) as it,
    ):
        result = await apprise_library.notify(
            f"json://127.0.0.1:{it.port}/x?redirect=yes",
            title="t",
            body="b",
            kind="info",
            policy=LOOPBACK,
            seconds=5,
        )
        assert (result.sent, len(further.received)) == (False, 0)


async def test_a_retry_goes_only_to_those_who_have_not_got_it() -> None:
    down = True

    async def moody(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503 if down else 200)

    async with (
        receivers.http(receivers.answer(200)) as good,
        receivers.http(moody) as bad,
        receivers.http(receivers.answer(404)) as gone,
    ):
        urls = [f"json://127.0.0.1:{each.port}/x" for each in (good, bad, gone)]
        first = await send(urls)
        down = False
        second = await send(urls, progress=first.progress)
        hits = [len(each.received) for each in (good, bad, gone)]

    assert isinstance(first, Retry)
    assert "(JSON, URL 2) answered 503" in first.message
    assert "1 of 3 have it" in first.message
    assert hits == [1, 2, 1]
    assert isinstance(second, Sent)
    assert second.code == "some-urls-refused"
    assert services.SECRET not in repr(first.progress)


async def test_a_service_that_stalls_ends_in_time() -> None:
    async with receivers.raw(None) as port:
        outcome = await send([f"json://127.0.0.1:{port}/x"], timeout=0.3)

    assert isinstance(outcome, Retry)
    assert outcome.code == "timeout"


@pytest.mark.parametrize("gives_up", ["we", "apprise"])
async def test_one_url_that_stalls_keeps_the_others_waiting_once(
    monkeypatch: pytest.MonkeyPatch, gives_up: str
) -> None:
    clock = 1_000.0
    tried: list[str] = []
    stalling, good = "json://127.0.0.1:1/stalls", "json://127.0.0.1:1/good"

    async def notify(url: str, **given: Any) -> apprise_library.Notified:
        tried.append(url)
        if url == good:
            return apprise_library.Notified(sent=True)
        await asyncio.sleep(0.05)
        return apprise_library.Notified(sent=False, timed_out=gives_up == "we")

    monkeypatch.setattr(apprise_library, "notify", notify)
    monkeypatch.setattr(apprise_channel, "SLOW_SECONDS", 0.04)
    channel = AppriseChannel(Parts(Outbound(LOOPBACK)))
    channel._stalls = Stalls(lambda: clock)

    async def sent(event: EventType, *urls: str) -> Outcome:
        tried.clear()
        config = AppriseConfig(urls=list(urls))
        return await channel.send(samples.message(event), config, samples.links_for, {})

    await sent(EventType.TRIGGERED, stalling, good)
    assert tried == [stalling, good]
    outcome = await sent(EventType.TRIGGERED, stalling, good)
    assert tried == [good]
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.standing) == ("timeout", Standing.WORKING)
    assert "1 of 2 have it" in outcome.message
    # A test is to find out; one that is alone keeps nobody waiting.
    await sent(EventType.TEST, stalling, good)
    assert tried == [stalling, good]
    await sent(EventType.TRIGGERED, stalling)
    assert tried == [stalling]
    clock += STALL_SECONDS + 1
    await sent(EventType.TRIGGERED, stalling, good)
    assert tried == [stalling, good]


class LogCollector(logging.Handler):
    """What reaches the program's own log; pytest's would also listen where nothing propagates."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


async def test_what_apprise_logs_stays_with_apprise() -> None:
    collector, root = LogCollector(), logging.getLogger()
    level = root.level
    root.addHandler(collector)
    root.setLevel(logging.DEBUG)

    try:
        async with receivers.http(receivers.answer(500)) as it:
            await send([f"json://127.0.0.1:{it.port}/{services.SECRET}"])
        # One that repeats what it cannot use.
        assert not apprise_library.is_valid(f"sinch://{services.SECRET}:x@1")
        logging.getLogger().debug("the collector works")
    finally:
        root.removeHandler(collector)
        root.setLevel(level)

    assert "the collector works" in collector.messages
    assert services.SECRET not in repr(collector.messages)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nonsense", "apprise-url"),
        ("syslog://", "apprise-schema"),
        ("dbus://", "apprise-schema"),
        ("rsyslog://localhost", "apprise-schema"),
        ("unheard-of://x", "apprise-schema"),
        ("mailto://a:b@example.com", "apprise-own-channel"),
        ("slack://a/b/c", "apprise-own-channel"),
        ("json://host/?redirect=yes", "apprise-option"),
        ("json://host/?template=/etc/passwd", "apprise-option"),
        ("json://host/?verify=no", "apprise-option"),
        ("discord://only-one-part", "apprise-url"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_place(url: str, code: str) -> None:
    faults = validate_config("apprise", {"urls": ["json://host/", url]})

    assert isinstance(faults, list)
    assert [(fault.pointer, fault.code) for fault in faults] == [("/urls/1", code)]
    assert "only-one-part" not in faults[0].message


def test_what_is_shown_distinguishes_two_and_nothing_more() -> None:
    secrets = ["discord://123456/tokentoken", "discord://654321/tokentoken", "json://u:p@host/x"]
    valid = validate_config("apprise", {"urls": secrets})
    assert isinstance(valid, ValidConfig)

    shown = split_secrets(valid).public["urls"]

    assert len(set(shown)) == 3
    assert all(text.startswith(("discord://…", "json://…")) for text in shown)
    assert "token" not in repr(shown)
    assert "host" not in repr(shown)


def test_one_url_can_be_changed_without_the_others_secrets() -> None:
    old = ["discord://123456/first", "discord://654321/second"]
    stored = validate_config("apprise", {"urls": old})
    assert isinstance(stored, ValidConfig)
    shown = split_secrets(stored).public["urls"]

    changed = validate_config("apprise", {"urls": [shown[1], "json://new/"]}, stored=stored.config)

    assert isinstance(changed, ValidConfig)
    assert changed.config.urls == [old[1], "json://new/"]  # type: ignore[attr-defined]


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_library, "is_installed", lambda: False)

    faults = validate_config("apprise", {"urls": ["json://host/"]})
    outcome = await send(["json://host/"])

    assert isinstance(faults, list)
    assert "tocsin[apprise]" in faults[0].message
    assert isinstance(outcome, Retry)
    assert outcome.standing is Standing.MISCONFIGURED
    assert "tocsin[apprise]" in outcome.message


async def test_mentions_and_links_of_senders_are_inert() -> None:
    async with receivers.http(receivers.answer(200)) as it:
        channel = AppriseChannel(Parts(Outbound(LOOPBACK)))
        await channel.send(
            samples.message(about=samples.hostile()),
            AppriseConfig(urls=[f"json://127.0.0.1:{it.port}/x"]),
            samples.links_for,
            {},
        )
        text = it.received[0].body.decode("unicode_escape")

    assert "@everyone" not in text
    assert "](https" not in text


@pytest.mark.parametrize(
    "query",
    [
        "template={path}",
        "a=1;template={path}",
        "%20template%20={path}",
        "TEMPLATE={path}",
        "tem%70late={path}",
        "#/?template={path}",
        "format=text&template={path}",
        "+x=1&template={path}",
        "verify=no",
        "redirect=yes",
        "retry=9;wait=60",
        "optional=yes",
        "store=yes",
        "unheard_of=1",
        ":field={path}&template={path}",
    ],
)
async def test_no_spelling_of_an_option_slips_past(query: str, tmp_path: Path) -> None:
    """What Apprise itself reads out of the URL is what is checked."""
    file = tmp_path / "secret.json"
    file.write_text('{"content": "S3CR3T of this machine"}', encoding="utf-8")
    url = f"discord://1234567890/{'t' * 60}/?{query.format(path=file)}"

    faults = validate_config("apprise", {"urls": [url]})
    assert isinstance(faults, list), url
    assert faults[0].code in ("apprise-option", "apprise-url")
    assert "S3CR3T" not in repr(faults)
    # Stored by an earlier version, it is not sent to either.
    result = await apprise_library.notify(
        url, title="t", body="b", kind="info", policy=AddressPolicy(), seconds=5.0
    )
    assert not result.sent
    assert result.unsafe_option is not None or result.status == 400


@pytest.mark.parametrize(
    "url",
    [
        "json://host/path?+X-Token=abc&:field=value&-param=1&method=PUT&format=text",
        "tgram://123456789:abcdefg_hijklmnop/12315544/?silent=yes&format=markdown",
        "ntfys://ntfy.example/topic?priority=high&tags=warning",
        "discord://1234567890/" + "t" * 60 + "/?avatar=no&thread=1",
    ],
)
def test_options_that_are_data_may_be_used(url: str) -> None:
    assert isinstance(validate_config("apprise", {"urls": [url]}), ValidConfig)


def test_the_guard_lets_no_file_of_the_machine_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("S3CR3T", encoding="utf-8")
    link = Path(sys.prefix) / f"link-{tmp_path.name}"
    link.symlink_to(file)
    try:
        with guarded(AddressPolicy(), public=True):
            for path in (file, link, "/etc/passwd", "/proc/self/environ"):
                with pytest.raises(PermissionError) as refused:
                    Path(path).open()  # noqa: SIM115 - it never opens
                assert "S3CR3T" not in str(refused.value)
                assert str(file) not in str(refused.value)
            with pytest.raises(PermissionError):
                (tmp_path / "new").write_text("x", encoding="utf-8")
            assert Path(certifi.where()).read_bytes()
            importlib.import_module("colorsys")
    finally:
        link.unlink()
    assert file.read_text(encoding="utf-8") == "S3CR3T"


async def test_one_destination_that_stalls_leaves_the_others_their_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More stalled calls than a common pool has workers here; the next destination is served."""
    workers = min(32, (os.cpu_count() or 1) + 4)
    assert apprise_library.is_valid("json://host/")  # imported
    async with (
        receivers.raw(None) as silent,
        receivers.http(receivers.answer(200)) as healthy,
    ):
        stalled = [
            asyncio.create_task(send([f"json://127.0.0.1:{silent}/{index}"], LOOPBACK, timeout=8.0))
            for index in range(workers + 2)
        ]
        await asyncio.sleep(0.5)
        async with asyncio.timeout(4.0):
            outcome = await send([f"json://127.0.0.1:{healthy.port}/"], LOOPBACK)
        assert isinstance(outcome, Sent)
        for task in stalled:
            assert isinstance(await task, Retry)
