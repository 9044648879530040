"""Requests as no client should send them, and what is no request at all."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import uuid4

from tests.faults.malformed.case import Case, CaseBuilder
from tests.support.workspace import Sender


class Requests(CaseBuilder):
    """One method for each kind of case."""

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
