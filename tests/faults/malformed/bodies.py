"""Bodies as no tool should send them, in requests that are well formed."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from typing import Any

from tests.faults.malformed.case import Case, CaseBuilder

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


class Bodies(CaseBuilder):
    """One method for each kind of case."""

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
