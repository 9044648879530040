"""Requests as no tool should send them, from a seed. Most are signed, since what is not authentic is
turned away before anybody looks at it."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import uuid4

from tests.support.paths import SAMPLES
from tests.support.workspace import Sender

TYPES = (
    "generic",
    "alertmanager",
    "datadog",
    "github",
    "grafana",
    "pagerduty",
    "standard_webhooks",
)


@dataclass(frozen=True)
class Case:
    """What is said on one connection, in pieces with a pause between them. `is_whole`: the server
    has all it needs for an answer and needs one."""

    name: str
    said: tuple[bytes, ...]
    is_whole: bool = True


JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    2**64,
    -(2**70),
    10**40,
    1e308,
    5e-324,
    -0.0,
    1.5,
    "",
    " ",
    "\0",
    "a\0b",
    "\ud7ff\ue000\U0010ffff",
    "x" * 3_000,
    "\u202e\u0000\u0007\n\r\t",
    "9" * 400,
    "2026-03-01T12:00:00+99:99",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "-271821-04-20T00:00:00Z",
    "NaN",
    "{}",
    "'; DROP TABLE alerts; --",
    "${jndi:ldap://x}",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"\0": "\0"},
    {"a": {"b": {"c": {}}}},
    [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]],
    [1, "2", None, {}, []],
)


@cache
def samples(type: str) -> tuple[Any, ...]:
    return tuple(json.loads(path.read_text()) for path in sorted((SAMPLES / type).glob("*.json")))


def mutated(value: Any, chance: random.Random, odds: float) -> Any:
    """The same with some of it replaced, left out, doubled or renamed."""
    if chance.random() < odds:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        result = {}
        for name, item in value.items():
            roll = chance.random()
            if roll < odds / 2:
                continue
            if roll < odds:
                name = chance.choice(["", "\0", name.upper(), name + "s", "title", "alerts"])
            result[name] = mutated(item, chance, odds)
        return result
    if isinstance(value, list):
        items = [mutated(item, chance, odds) for item in value]
        return items * 3 if chance.random() < odds else items
    return value


class CaseMaker:
    """Makes cases for senders of every type."""

    def __init__(self, senders: dict[str, Sender], seed: int) -> None:
        self.senders = senders
        self.chance = random.Random(seed)
        self.kinds: Sequence[Callable[[], Case]] = (
            self.wrong_types,
            self.wrong_types,
            self.wrong_types,
            self.truncated,
            self.broken_bytes,
            self.deep,
            self.numbers,
            self.duplicate_keys,
            self.content_types,
            self.lengths,
            self.paths,
            self.headers,
            self.signatures,
            self.pipelined,
            self.many_pipelined,
            self.upgrades,
            self.packed,
            self.no_http,
            self.broken_off,
        )

    def make(self) -> Case:
        return self.chance.choice(self.kinds)()

    def sender(self) -> Sender:
        return self.senders[self.chance.choice(TYPES)]

    def sample(self, sender: Sender) -> Any:
        type = next(name for name, known in self.senders.items() if known is sender)
        return self.chance.choice(samples(type))

    def request(
        self,
        sender: Sender,
        body: bytes,
        *,
        method: str = "POST",
        path: str | None = None,
        signed: bytes | None = None,
        **headers: str,
    ) -> bytes:
        """A whole request. `signed`: what was signed, if not the body."""
        given = {
            "Host": "localhost",
            "Connection": "close",
            "Content-Length": str(len(body)),
            **sender.headers(body if signed is None else signed),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if path is None:
            path = sender.path
        events = ["ping", "workflow_run", "dependabot_alert", "code_scanning_alert", "x"]
        given["X-GitHub-Event"] = self.chance.choice(events)
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in given.items() if value is not None
        )
        return head.encode("latin-1") + b"\r\n" + body

    def signed(self, name: str, body: bytes, **headers: str) -> Case:
        return Case(name, (self.request(self.sender(), body, **headers),))

    # Bodies

    def wrong_types(self) -> Case:
        sender = self.sender()
        value = mutated(self.sample(sender), self.chance, self.chance.choice([0.02, 0.1, 0.3]))
        body = json.dumps(value, ensure_ascii=self.chance.random() < 0.5)
        return Case("wrong types", (self.request(sender, body.encode("utf-8", "replace")),))

    def truncated(self) -> Case:
        sender = self.sender()
        body = json.dumps(self.sample(sender)).encode()
        body = body[: self.chance.randrange(len(body))]
        return Case("truncated", (self.request(sender, body),))

    def broken_bytes(self) -> Case:
        sender = self.sender()
        body = bytearray(json.dumps(self.sample(sender)).encode())
        for _ in range(self.chance.choice([1, 3, 30])):
            junk = (
                b"\0",
                b"\xff",
                b"\xc0\x80",
                b"\xed\xa0\x80",
                b"\\ud800",
                b"\\u0000",
                b'"',
                b"\n",
            )
            place = self.chance.randrange(len(body))
            body[place:place] = self.chance.choice(junk)
        if self.chance.random() < 0.2:
            body[:0] = self.chance.choice([b"\xef\xbb\xbf", b" \xef\xbb\xbf", b"\xff\xfe", b"\0"])
        return Case("broken bytes", (self.request(sender, bytes(body)),))

    def deep(self) -> Case:
        depth = self.chance.choice([20, 127, 128, 129, 1_000, 100_000])
        opening, closing = self.chance.choice(
            [(b"[", b"]"), (b'{"alerts":', b"}"), (b'{"a":[', b"]}")]
        )
        middle = self.chance.choice([b"1", b"", b'{"title":"T"}'])
        body = opening * depth + middle + closing * self.chance.choice([depth, 0])
        return self.signed("deep", body[:1_048_576])

    def numbers(self) -> Case:
        number = self.chance.choice(
            [
                "1e400",
                "-1e400",
                "1e-400",
                "9" * 5_000,
                "0." + "0" * 5_000 + "1",
                "1" * 310,
                "01",
                "1.",
                "+1",
                "0x1",
                "1e",
                "--1",
                "Infinity",
                "-0",
                "1E+0000000000000000000000000000000000001",
            ]
        )
        name = self.chance.choice(["severity", "id", "timestamp", "labels", "title", "x", "tenant"])
        return self.signed("numbers", f'{{"title": "T", "{name}": {number}}}'.encode())

    def duplicate_keys(self) -> Case:
        names = ["title", "severity", "status", "alerts", "external_id", "labels"]
        parts = [
            f'"{self.chance.choice(names)}": {json.dumps(self.chance.choice(JUNK))}'
            for _ in range(12)
        ]
        return self.signed("duplicate keys", ("{" + ",".join(parts) + "}").encode())

    def content_types(self) -> Case:
        kind = self.chance.choice(
            [
                "application/x-www-form-urlencoded",
                "text/plain",
                "application/xml",
                "",
                "\xff\xfe",
                "application/json; charset=utf-16",
                "multipart/form-data; boundary=x",
                "a/b;" * 100,
            ]
        )
        body = self.chance.choice(
            [
                b'{"title": "T"}',
                b"title=T&severity=high",
                b"title=T&title=U&x",
                b"payload={}",
                b"payload=%7B%22title%22%3A%22T%22%7D",
                b"payload=%7B",
                b"payload=%ff",
                b"%00=%00",
                b"t&" * 2_000,
                b"=",
                b"<alert/>",
                b"",
                b"null",
                b'"title"',
                b"7",
                b"true title=1",
            ]
        )
        return self.signed("content types", body, Content_Type=kind)

    # Requests

    def lengths(self) -> Case:
        sender = self.sender()
        body = b'{"title": "T"}'
        kind = self.chance.randrange(7)
        if kind == 0:  # more than is said
            return Case("long", (self.request(sender, body + b"x" * 40, Content_Length="14"),))
        if kind == 1:  # less than is said, and then nothing
            said = self.request(sender, body, Content_Length="15")
            return Case("short", (said,), is_whole=self.chance.random() < 0.1)
        if kind == 2:
            odd = [
                "-1",
                "abc",
                "1e3",
                "0x10",
                " 14 ",
                "14, 14",
                "99999999999999999999999",
                "１４",
                "",
            ]
            value = self.chance.choice(odd).encode("utf-8").decode("latin-1")
            return Case("odd length", (self.request(sender, body, Content_Length=value),))
        if kind == 3:  # twice, and different
            said = self.request(sender, body, X="y\r\nContent-Length: 15")
            return Case("two lengths", (said,))
        if kind == 4:  # both ways
            said = self.request(sender, b"0\r\n\r\n", Transfer_Encoding="chunked")
            return Case("both", (said,))
        if kind == 5:
            chunks = self.chance.choice(
                [
                    b"e\r\n%b\r\n0\r\n\r\n",
                    b"E;x=y\r\n%b\r\n0\r\nX: y\r\n\r\n",
                    b"zz\r\n%b\r\n0\r\n\r\n",
                    b"ffffffffffffffffffff\r\n%b\r\n",
                    b"-1\r\n%b\r\n0\r\n\r\n",
                ]
            )
            return Case("chunks", (self._chunked(sender, chunks % body, body),))
        return Case("too large", (self.request(sender, b"x" * 1_048_577),))

    def _chunked(self, sender: Sender, said: bytes, body: bytes) -> bytes:
        whole = self.request(sender, b"", signed=body, Transfer_Encoding="chunked")
        return whole.replace(b"Content-Length: 0\r\n", b"") + said

    def paths(self) -> Case:
        sender = self.sender()
        path = self.chance.choice(
            [
                f"/webhooks/{uuid4()}",
                "/webhooks/",
                "/webhooks",
                "/webhooks//",
                "/webhooks/%00",
                "/webhooks/%ff%fe",
                f"/webhooks/{sender.id}%00",
                f"/webhooks/{sender.id}/",
                f"/webhooks/{sender.id}/%ed%a0%80",
                f"/webhooks/{sender.id}/a/b/c/../d",
                f"/webhooks/{{{sender.id}}}",
                f"/webhooks/{str(sender.id).upper()}",
                f"/webhooks/{sender.id}?a=b&c#d",
                "/webhooks/" + "a" * 30_000,
                "/webhooks/../healthz",
                f"http://evil/webhooks/{sender.id}",
                "*",
                "//",
                "/\xe9",
                "webhooks",
                "/api/v1/alerts/x",
                "/api/v1/%00",
                "/api/v1/webhook-deliveries?cursor=%00",
                "/a/%00/x",
                "/problems/%00",
            ]
        )
        method = self.chance.choice(["POST", "POST", "GET", "PUT", "HEAD", "OPTIONS", "PATCH"])
        return Case("paths", (self.request(sender, b'{"title": "T"}', path=path, method=method),))

    def headers(self) -> Case:
        sender = self.sender()
        body = b'{"title": "T"}'
        name, value = self.chance.choice(
            [
                ("X", "y" * 60_000),
                ("X", "\xff\xfe\xfd"),
                ("X", "\x01"),
                ("X", "a\r\n b"),
                ("X", "a\0b"),
                ("", "x"),
                ("X Y", "z"),
                ("X:", "z"),
                ("\xff", "x"),
                ("Expect", "100-continue"),
                ("Expect", "the-unexpected"),
                ("Upgrade", "websocket"),
                ("TE", "trailers"),
                ("Idempotency-Key", "k" * 5_000),
                ("Idempotency-Key", "\xe9\xff"),
                ("webhook-id", ""),
                ("X-Request-Id", " , , "),
                ("Cookie", "a=b; " * 500),
                ("Host", ""),
                ("Host", "a b"),
                ("Content-Encoding", "gzip"),
                ("X-Forwarded-For", "'"),
                ("Content-Type", "a\tb"),
            ]
        )
        many = [f"X-{n}: {n}" for n in range(self.chance.choice([0, 0, 500]))]
        whole = self.request(sender, body)
        line = "\r\n".join([f"{name}: {value}", *many]).encode("latin-1")
        return Case("headers", (whole.replace(b"Host: ", line + b"\r\nHost: ", 1),))

    def signatures(self) -> Case:
        sender = self.sender()
        body = b'{"title": "T"}'
        name = self.chance.choice(
            [sender.profile.signature_header, "Authorization", "webhook-timestamp"]
        )
        value = self.chance.choice(
            [
                "",
                " ",
                ",",
                ",,,,",
                "sha256=",
                "v1,",
                "v1," * 3_000,
                "zz" * 32,
                "0" * 63,
                "0" * 64,
                "Bearer",
                "Basic ====",
                "Basic \xff",
                "Bearer \xe9",
                "=" * 88,
                "sha256=\xff",
                "v1 v1,x",
                "-1",
                "9" * 20,
                "1e9",
                "\u00b2",
                "NaN",
            ]
        )
        return Case("signatures", (self.request(sender, body, **{name: value}),))

    def pipelined(self) -> Case:
        sender = self.senders["generic"]
        said = b""
        for _ in range(self.chance.randrange(2, 6)):
            body = self.chance.choice(
                [b"{", b"{}", b'{"title": "T"}', json.dumps({"title": uuid4().hex}).encode()]
            )
            said += self.request(sender, body, Connection="keep-alive")
        said += self.request(sender, b"[]")
        place = self.chance.randrange(len(said))
        return Case("pipelined", (said[:place], said[place:]))

    def many_pipelined(self) -> Case:
        """More than may wait, in pieces that end anywhere."""
        sender = self.senders["generic"]
        one = self.request(sender, self.chance.choice([b"{", b"{}", b"\r\n\r\n" * 20]))
        one = one.replace(b"Connection: close", b"Connection: keep-alive")
        said = one * self.chance.choice([17, 40, 200]) + self.request(sender, b"[]")
        places = sorted(self.chance.randrange(len(said)) for _ in range(3))
        pieces = [said[a:b] for a, b in zip([0, *places], [*places, None], strict=True)]
        return Case("many pipelined", tuple(pieces))

    def upgrades(self) -> Case:
        """Whoever asks for another protocol gets this one: the body is the body."""
        sender = self.sender()
        hidden = f"POST {sender.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        body = self.chance.choice([hidden, b"{}", json.dumps(self.sample(sender)).encode()])
        protocol = self.chance.choice(["h2c", "websocket", "TLS/1.0", "", "\xff", "a, b"])
        line = b"Upgrade: " + protocol.encode("latin-1")
        options = self.chance.choice(["Upgrade, HTTP2-Settings", "upgrade", "close, Upgrade"])
        whole = self.request(sender, body, Connection=options)
        method = self.chance.choice([b"POST", b"POST", b"POST", b"PUT", b"GET", b"CONNECT"])
        whole = whole.replace(b"POST", method, 1).replace(b"Host: ", line + b"\r\nHost: ", 1)
        last = self.request(self.senders["generic"], b"[]")
        said = whole + (b"" if "close" in options else last)
        place = self.chance.randrange(len(said))
        return Case("upgrades", (said[:place], said[place:]))

    def packed(self) -> Case:
        sender = self.sender()
        text = json.dumps(self.sample(sender)).encode()
        body = self.chance.choice(
            [
                gzip.compress(text),
                gzip.compress(text)[: self.chance.randrange(1, 40)],
                gzip.compress(b"[" * 5_000_000),
                gzip.compress(b"") * 1_000,
                text,
                b"",
                zlib.compress(text),
                self.chance.randbytes(100),
            ]
        )
        coding = self.chance.choice(
            ["gzip", "gzip", "GZip , identity", "deflate", "br", "gzip, gzip", ",", "\xff"]
        )
        return self.signed("packed", body, Content_Encoding=coding)

    def no_http(self) -> Case:
        said = self.chance.choice(
            [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"GET /\r\n\r\n",
                b"POST /webhooks/x HTTP/9.9\r\n\r\n",
                b"\r\n\r\n\r\n\r\nx\r\n\r\n",
                b"POST\r\n\r\n",
                b"\0" * 100 + b"\r\n\r\n",
                b"HELO localhost\r\n",
                self.chance.randbytes(300),
                b"POST /webhooks/x HTTP/1.1\nHost: x\n\n",
                b"SSH-2.0-OpenSSH_9.6\r\n",
            ]
        )
        return Case("no HTTP", (said,), is_whole=False)

    def broken_off(self) -> Case:
        sender = self.sender()
        said = self.request(sender, json.dumps(self.sample(sender)).encode())
        place = self.chance.randrange(len(said))
        pieces = (said[: place // 2], said[place // 2 : place])
        return replace(Case("broken off", pieces), is_whole=False)
