"""Whatever was sent is had back from the record, byte for byte."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.kept import quoted, restored

HOSTILE = [b"\xff", b"\x01", b"\0", b"\\", b'"', b"\xed\xa0\x80", b"[1e308,", b"[", b"\xc3\xa9"]


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8")))
def test_any_bytes_come_back(body: bytes) -> None:
    kept = quoted(body)
    assert isinstance(json.loads(kept), str)
    assert restored(kept.decode())[0] == body


@pytest.mark.parametrize(
    "body", [b'"abc"', b"", b"data:application/octet-stream;base64,AAAA", b"a=b&c=%20", b"\x1f\x8b"]
)
def test_odd_ones_too(body: bytes) -> None:
    assert restored(quoted(body).decode())[0] == body


def test_json_is_kept_as_it_came() -> None:
    assert restored('{"b": 1, "a": [ ]}') == (b'{"b": 1, "a": [ ]}', False)


def test_what_nobody_read_says_so() -> None:
    assert restored(quoted(b"\x1f\x8b\x08").decode()) == (b"\x1f\x8b\x08", True)
    assert restored(quoted(b"abc", is_packed=True).decode()) == (b"abc", True)
    assert restored(quoted("{“é”}".encode()).decode()) == ("{“é”}".encode(), False)


def test_a_cut_in_mid_character_stays_text() -> None:
    body = ("é" * 100).encode()
    assert restored(quoted(body[:99], is_cut=True).decode()) == (body[:98], False)
    assert restored(quoted(body[:99]).decode()) == (body[:99], True)


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_bytes_are_dear_to_keep(piece: bytes) -> None:
    body = (piece * 65_536)[:65_536]
    began = time.process_time()
    for _ in range(10):
        kept = quoted(body)
    assert time.process_time() - began < 0.1
    assert len(kept) <= 2 * len(body) + 2
